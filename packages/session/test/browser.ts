/**
 * A browser as far as sessions are concerned: a cookie jar that keeps Max-Age by the test's clock, the headers a page
 * can't set, the form token of the last page. It checks nothing: tests do.
 */
import { parseSetCookie } from "../../../test/set-cookie-rule.ts";
import type { Clock } from "./clock.ts";
import { exchange, type Incoming } from "./http.ts";

/** A cookie in the jar; `until` is `null` for one that goes when the browser closes. */
export interface KeptCookie {
  readonly value: string;
  readonly until: number | null;
}

/** How one request differs from what this browser would send. */
export interface Variation {
  readonly headers?: Record<string, string | string[]>;
  /** The answer never arrives: its cookies are not kept. */
  readonly lost?: boolean;
  /** Form token to send instead of the last page's; `null` sends none. */
  readonly token?: string | null;
  /** The node to ask; by default the one the browser was made for. */
  readonly port?: number;
  /** The loopback address to ask from. */
  readonly from?: string;
}

/** The origin and the listener behind it. */
export interface Site {
  readonly origin: string;
  readonly port: number;
}

/** One browser, or its thief's copy. */
export class Browser {
  readonly jar: Map<string, KeptCookie> = new Map<string, KeptCookie>();
  /** The form token of the last page that had one. */
  token: string | null = null;
  readonly #site: Site;
  readonly #clock: Clock;

  constructor(site: Site, clock: Clock) {
    this.#site = site;
    this.#clock = clock;
  }

  /** Another browser with the same cookies and page: what a thief of the whole jar has. */
  copy(): Browser {
    const copy = new Browser(this.#site, this.#clock);
    for (const [name, cookie] of this.jar) copy.jar.set(name, cookie);
    copy.token = this.token;
    return copy;
  }

  /** A copy that holds this pair instead of its own. */
  holding(session: string, refreshToken: string): Browser {
    const copy = this.copy();
    copy.plant("session", session);
    copy.plant("refresh-token", refreshToken);
    return copy;
  }

  /** Closes and opens again: cookies without Max-Age are gone. */
  restart(): void {
    for (const [name, { until }] of this.jar) if (until === null) this.jar.delete(name);
  }

  /** The value of a cookie by its name without prefix, or "". */
  cookie(name: "session" | "refresh-token" | "form"): string {
    return (this.jar.get(name) ?? this.jar.get(`__Host-${name}`))?.value ?? "";
  }

  /** Puts a value into the jar, as an attacker or a test may. */
  plant(name: string, value: string): void {
    this.jar.set(name, { value, until: null });
  }

  get(path: string, variation: Variation = {}): Promise<Incoming> {
    return this.#send("GET", path, undefined, variation);
  }

  /** Posts a form of this site, with the form token of the last page. */
  post(path: string, fields: Record<string, string> = {}, variation: Variation = {}): Promise<Incoming> {
    const token = variation.token === undefined ? this.token : variation.token;
    const form = new URLSearchParams(token === null ? fields : { "form-token": token, ...fields });
    return this.#send("POST", path, String(form), variation);
  }

  /** Sends anything else: another method, another body. */
  request(method: string, path: string, body?: string, variation: Variation = {}): Promise<Incoming> {
    return this.#send(method, path, body, variation);
  }

  /** Opens the login form and posts it. */
  async signIn(loginId: string, password: string, fields: Record<string, string> = {}): Promise<Incoming> {
    await this.get("/login");
    return this.post("/login", { loginId, password, ...fields });
  }

  async #send(
    method: string,
    path: string,
    body: string | undefined,
    variation: Variation,
  ): Promise<Incoming> {
    const headers = { ...this.#headers(method, body), ...variation.headers };
    const from = variation.from === undefined ? {} : { from: variation.from };
    const outgoing = { method, path, headers, ...(body === undefined ? {} : { body }), ...from };
    const response = await exchange(variation.port ?? this.#site.port, outgoing);
    if (variation.lost !== true) this.#keep(response);
    return response;
  }

  #headers(method: string, body: string | undefined): Record<string, string> {
    const cookie = this.#cookieHeader();
    const unsafe = method !== "GET" && method !== "HEAD";
    return {
      accept: "text/html,application/xhtml+xml",
      host: new URL(this.#site.origin).host,
      "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      ...(unsafe
        ? { origin: this.#site.origin, "sec-fetch-site": "same-origin" }
        : { "sec-fetch-site": "none" }),
      ...(body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
      ...(cookie === "" ? {} : { cookie }),
    };
  }

  #cookieHeader(): string {
    for (const [name, { until }] of this.jar) {
      if (until !== null && until <= this.#clock.now()) this.jar.delete(name);
    }
    return Array.from(this.jar, ([name, { value }]) => `${name}=${value}`).join("; ");
  }

  #keep({ setCookies, body }: Incoming): void {
    for (const { name, value, attributes } of setCookies.map(parseSetCookie)) {
      const maxAge = attributes.get("max-age");
      if (maxAge === "0") this.jar.delete(name);
      else
        this.jar.set(name, {
          value,
          until: maxAge === undefined ? null : this.#clock.now() + Number(maxAge) * 1_000,
        });
    }
    this.token = /name="form-token" value="([^"]*)"/.exec(body)?.[1] ?? this.token;
  }
}

/** Asks for the page that needs somebody signed in: 200, or 302 to the login form. */
export function cart(browser: Browser, variation: Variation = {}): Promise<Incoming> {
  return browser.get("/shopping-cart", variation);
}
