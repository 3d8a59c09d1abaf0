// Whom both applications take a request to be from, over real connections: a stranger is 127.0.0.1, a proxy of ours is ::1. What
// the framework makes of it is seen in the library's own events, its throttle and the user's list of devices.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type OutgoingHttpHeaders, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createForum, type ForumOptions } from "forum";
import * as forum from "forum";
import { createStore, type StoreOptions } from "store";
import * as store from "store";
import { type PublishedSessionEvent, sessionChannel } from "@latchkey/session";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hiddenField, type Page } from "../applications/browser.ts";
import { type Company, startCompany } from "../applications/company.ts";

type Options = Pick<StoreOptions & ForumOptions, "trustedProxies">;
type Handler = Parameters<typeof createServer>[1];

/** One of the applications; `open` answers its handler, and what closes it. */
interface Application {
  readonly name: "store" | "forum";
  open(company: Company, origin: string, options: Options): Promise<{ handler: Handler; close(): unknown }>;
}

const applications: readonly Application[] = [
  {
    name: "store",
    async open(company, origin, options) {
      const sessions = company.sessionsFor("store", { ...store, origin });
      const app = await createStore({ sessions, origin, database: ":memory:", ...options });
      await app.ready();
      const handler: Handler = (incoming, response) => app.routing(incoming, response);
      return { handler, close: () => Promise.all([app.close(), sessions.close()]) };
    },
  },
  {
    name: "forum",
    async open(company, origin, options) {
      const sessions = company.sessionsFor("forum", { ...forum, origin });
      const { app, close } = createForum({ sessions, origin, database: ":memory:", ...options });
      return { handler: app, close: () => (close(), sessions.close()) };
    },
  },
];

/** The other end of a connection. */
type Peer = "127.0.0.1" | "::1";

/** An application that listens on both loopback addresses, each of which sees itself as the other end. */
interface Listening {
  readonly company: Company;
  /** Sends a request from `peer`; answers what came back. */
  send(peer: Peer, method: string, path: string, headers?: OutgoingHttpHeaders, body?: string): Promise<Page>;
  /** Whom the library took a request to be from, which it refused as forged. */
  addressOf(peer: Peer, headers: OutgoingHttpHeaders): Promise<string | undefined>;
}

function listening(application: Application, origin: string, options: Options): Listening {
  const servers: Server[] = [];
  const started: { company?: Company; close?: () => unknown } = {};
  const seen: (string | undefined)[] = [];
  const record = (message: unknown) => {
    const event = message as PublishedSessionEvent;
    if (event.type === "cross-site-refused") seen.push(event.address);
  };
  beforeAll(async () => {
    subscribe(sessionChannel, record);
    started.company = await startCompany();
    const { handler, close } = await application.open(started.company, origin, options);
    started.close = close;
    for (const host of ["127.0.0.1", "::1"]) {
      const server = createServer(handler);
      await new Promise<void>((resolve) => server.listen(0, host, resolve));
      servers.push(server);
    }
  });
  afterAll(async () => {
    unsubscribe(sessionChannel, record);
    for (const server of servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    await started.close?.();
    await started.company?.close();
  });

  const send: Listening["send"] = (peer, method, path, headers = {}, body = "") => {
    const { port } =
      servers.map((server) => server.address() as AddressInfo).find((each) => each.address === peer) ?? {};
    return exchange({ host: peer, port, method, path, headers }, body);
  };
  return {
    get company() {
      if (started.company === undefined) throw new Error("Not started");
      return started.company;
    },
    send,
    async addressOf(peer, headers) {
      seen.length = 0;
      const { status } = await send(peer, "POST", "/login", { ...headers, origin: "https://evil.example" });
      expect([status, seen.length]).toEqual([403, 1]);
      return seen[0];
    },
  };
}

function exchange(options: object, body: string): Promise<Page> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...options, agent: false }, (response) => {
      let html = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (html += chunk));
      response.on("end", () => {
        const headers = new Headers();
        for (const [name, value] of Object.entries(response.headers))
          for (const each of [value].flat()) headers.append(name, each ?? "");
        const setCookies = response.headers["set-cookie"] ?? [];
        const location = response.headers.location ?? null;
        resolve({ status: response.statusCode ?? 0, headers, html, location, setCookies });
      });
    });
    outgoing.on("error", reject).end(body);
  });
}

const address = fc.oneof(fc.ipV4(), fc.ipV6());
/** What a stranger may write into a header: addresses, trusted ones too, and nonsense. */
const claim = fc.oneof(
  address,
  fc.constantFrom("::1", "127.0.0.1", "10.0.0.2", "unknown", "", "1.2.3.4:80", "[::1]", "'--", "0x7f.1"),
);
const claims = fc.array(claim, { maxLength: 5 }).map((each) => each.join(", "));
/** Everything else by which proxies tell of whom they speak for. */
const others = fc.record(
  {
    "x-forwarded-host": fc.constantFrom("evil.example", "store.localhost", ""),
    "x-forwarded-proto": fc.constantFrom("http", "https", "https, http"),
    "x-forwarded-port": fc.constantFrom("443", "80"),
    "x-real-ip": address,
    forwarded: address.map((each) => `for="${each}";host=evil.example;proto=https`),
    "true-client-ip": address,
    "cf-connecting-ip": address,
  },
  { requiredKeys: [] },
);
/** Addresses that none of ours has. */
const client = address.filter((each) => !/^(127|10\.0\.0\.2$|::1$|::ffff:|0:|::)/.test(each));

describe.each(applications)("$name", (application) => {
  describe("that trusts nobody", () => {
    const { addressOf } = listening(application, `http://${application.name}.localhost`, {});

    test("takes every request to be from the other end of its connection, whatever it says", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom<Peer>("127.0.0.1", "::1"),
          claims,
          others,
          async (peer, said, more) => {
            expect(await addressOf(peer, { ...more, "x-forwarded-for": said })).toBe(peer);
          },
        ),
        { numRuns: 150 },
      );
    });
  });

  describe("that trusts its proxies", () => {
    const origin = `http://${application.name}.localhost`;
    const running = listening(application, origin, { trustedProxies: ["::1", "10.0.0.2"] });
    const { addressOf, send } = running;

    test("takes a stranger's request past them to be the stranger's", async () => {
      await fc.assert(
        fc.asyncProperty(claims, others, async (said, more) => {
          expect(await addressOf("127.0.0.1", { ...more, "x-forwarded-for": said })).toBe("127.0.0.1");
        }),
        { numRuns: 150 },
      );
    });

    // What the client wrote, and then what each proxy adds: the address it saw.
    const chains: [string, (from: string) => string[]][] = [
      ["one of them that replaces the header", (from) => [from]],
      ["one of them that adds to what the client wrote", (from) => ["*", from]],
      ["two of them that add", (from) => ["*", from, "10.0.0.2"]],
    ];
    test.each(chains)("takes a request by %s to be the client's", async (_, chain) => {
      await fc.assert(
        fc.asyncProperty(client, claims, others, async (from, said, more) => {
          const forwarded = chain(from)
            .map((each) => (each === "*" ? said : each))
            .join(", ");
          expect(await addressOf("::1", { ...more, "x-forwarded-for": forwarded })).toBe(from);
        }),
        { numRuns: 150 },
      );
    });

    test("takes a request by a stranger's proxy to be that proxy's", async () => {
      const chain = "198.51.100.9, 203.0.113.5, 10.0.0.2";
      expect(await addressOf("::1", { "x-forwarded-for": chain })).toBe("203.0.113.5");
    });

    test("shows the client's own address in the list of devices, and nothing that the client wrote", async () => {
      const { email, password } = await running.company.newcomer();
      const headers = { "x-forwarded-for": "198.51.100.66, 203.0.113.9, 10.0.0.2" };
      const form = await send("::1", "GET", "/login", headers);
      const signedIn = await send(
        "::1",
        "POST",
        "/login",
        ...posted(form, origin, headers, { email, password }),
      );
      expect(signedIn.status).toBe(302);
      const { html } = await send("::1", "GET", "/account", { ...headers, cookie: cookiesOf(signedIn) });
      expect(html).toContain("Address 203.0.113.9");
      expect(html).not.toContain("198.51.100.66");
    });

    test("slows down one guesser who claims to be many, and nobody else", async () => {
      const guess = async (from: string, count: number) => {
        const headers = { "x-forwarded-for": `198.51.100.${count}, ${from}` };
        const form = await send("::1", "GET", "/login", headers);
        const made = { email: `nobody-${from}-${count}@example.com`, password: "a guess" };
        return (await send("::1", "POST", "/login", ...posted(form, origin, headers, made))).status;
      };
      const statuses: number[] = [];
      for (let count = 0; count < 25 && !statuses.includes(429); count++)
        statuses.push(await guess("203.0.113.77", count));
      expect(statuses.at(-1)).toBe(429);
      expect(statuses.length).toBeGreaterThan(20);
      expect(await guess("203.0.113.78", 0)).toBe(401);
    });
  });

  describe.each([
    ["http", `http://${application.name}.localhost`, /^form=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/],
    ["https", `https://${application.name}.example`, /^__Host-form=[^;]+; .*Secure$/],
  ])("on an origin that is %s", (_, origin, cookie) => {
    const { send, addressOf } = listening(application, origin, { trustedProxies: ["::1"] });

    test("no header, not even a proxy's, changes which cookies it sets, where it leads, or what it takes for its own", async () => {
      for (const proto of ["http", "https"]) {
        const headers = {
          "x-forwarded-proto": proto,
          "x-forwarded-host": "evil.example",
          host: "evil.example",
        };
        const form = await send("::1", "GET", "/login", headers);
        expect(form.setCookies).toEqual([expect.stringMatching(cookie)]);
        const asked = await send("::1", "GET", "/account", headers);
        expect([asked.status, asked.location]).toEqual([302, "/login?returnTo=%2Faccount"]);
        expect(asked.headers.has("strict-transport-security")).toBe(origin.startsWith("https:"));
        await addressOf("::1", headers);
      }
    });
  });
});

/** Headers and body of the login form, filled in. */
function posted(
  form: Page,
  origin: string,
  headers: OutgoingHttpHeaders,
  filled: Record<string, string>,
): [OutgoingHttpHeaders, string] {
  const token = hiddenField(form, "/login", "form-token") ?? "";
  const type = { "content-type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams({ ...filled, "form-token": token }).toString();
  return [{ ...headers, ...type, origin, cookie: cookiesOf(form) }, body];
}

function cookiesOf({ setCookies }: Page): string {
  return setCookies.map((cookie) => cookie.split(";")[0]).join("; ");
}
