// A browser of an honest person: keeps cookies, speaks https, keeps its connections, follows nothing by itself. What came of each request
// is written down, so that a test can say that none failed and nobody was signed out.
import { Agent, request, type RequestOptions } from "node:https";
import type { Page, Sent } from "../applications/browser.ts";
import type { Person, Site } from "./site.ts";

/** What came of one request. */
export interface Outcome {
  readonly method: string;
  readonly path: string;
  /** `null` where no answer came. */
  readonly status: number | null;
  /** Which release answered (release.ts). */
  readonly release: string | null;
  /** When it was sent, and answered, by `performance.now()`. */
  readonly sent: number;
  readonly answered: number;
}

/** A browser. */
export interface Visitor {
  readonly cookies: Map<string, string>;
  readonly outcomes: Outcome[];
  /** `null` where no answer came. */
  send(method: string, path: string, sent?: Sent): Promise<Page | null>;
  /** Fills in and sends the page's form with that action. */
  submit(page: Page, action: string, filled?: Record<string, string>): Promise<Page | null>;
  close(): void;
}

/** A browser that has been nowhere yet. */
export function visitor({ origin, certificate }: Site): Visitor {
  const { port, host } = new URL(origin);
  const agent = new Agent({ keepAlive: true, ca: certificate.pem, servername: "localhost" });
  const cookies = new Map<string, string>();
  const outcomes: Outcome[] = [];

  const send: Visitor["send"] = async (method, path, { body, headers = {} } = {}) => {
    const sent = performance.now();
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const type = body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
    const options: RequestOptions = {
      agent,
      method,
      path,
      host: "127.0.0.1",
      port,
      headers: {
        host,
        ...(method === "GET" ? {} : { origin }),
        ...type,
        ...(cookie === "" ? {} : { cookie }),
        ...headers,
      },
    };
    const page = await exchange(options, body?.toString()).catch(() => null);
    const release = page?.headers.get("x-release") ?? null;
    const status = page?.status ?? null;
    outcomes.push({ method, path, status, release, sent, answered: performance.now() });
    for (const header of page?.setCookies ?? []) keep(cookies, header);
    return page;
  };
  return {
    cookies,
    outcomes,
    send,
    submit: (page, action, filled = {}) => send("POST", action, { body: formOf(page, action, filled) }),
    close: () => agent.destroy(),
  };
}

/** Signs in by the form; answers the last page, `null` where no answer came. */
export async function signIn(browser: Visitor, { email, password }: Person): Promise<Page | null> {
  const form = await browser.send("GET", "/login");
  return form?.status === 200 ? browser.submit(form, "/login", { email, password }) : form;
}

function exchange(options: RequestOptions, body = ""): Promise<Page> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      let html = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (html += chunk));
      response.on("error", reject);
      response.on("end", () => {
        const setCookies = response.headers["set-cookie"] ?? [];
        const headers = new Headers();
        for (const name of ["x-release", "retry-after"]) {
          const value = response.headers[name];
          if (typeof value === "string") headers.set(name, value);
        }
        const location = response.headers.location ?? null;
        resolve({ status: response.statusCode ?? 0, headers, html, location, setCookies });
      });
    });
    outgoing.on("error", reject).end(body);
  });
}

function keep(cookies: Map<string, string>, header: string): void {
  const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
  if (/;\s*max-age=0\b/i.test(header)) cookies.delete(name);
  else cookies.set(name, value);
}

/** The page's form with that action, its hidden fields as they are. */
function formOf({ html }: Page, action: string, filled: Record<string, string>): URLSearchParams {
  const fields = html.split(` method="post" action="${action}">`)[1]?.split("</form>")[0] ?? "";
  const form = new URLSearchParams();
  for (const [, name = "", value = ""] of fields.matchAll(
    /<input type="hidden" name="([^"]*)" value="([^"]*)"/g,
  ))
    form.set(name, value);
  for (const [name, value] of Object.entries(filled)) form.set(name, value);
  return form;
}
