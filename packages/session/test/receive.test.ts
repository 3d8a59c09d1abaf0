// `receive` never throws for anything a client can send, and lets nobody through who is not signed in (deny by default).
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { createSessions, type IncomingRequest, memoryStore } from "../src/index.ts";
import { cookieKey } from "./records.ts";

const origin = "https://shop.example.com";
const publicPaths = ["/", "/about", "/assets/*"];
const sessions = createSessions({
  application: "store",
  origin,
  identityProvider: {
    url: "https://id.example.com",
    applicationId: "10000000-0000-4000-8000-000000000001",
    apiKey: "the key of the API",
    clientSecret: "the secret of the client",
    fetch: () => Promise.reject(new Error("nobody may ask the provider about strangers")),
  },
  cookieKeys: [cookieKey("2026a")],
  publicPaths,
  unguardedPaths: ["/hook"],
  store: memoryStore(),
});
afterAll(() => sessions.close());

const marks = fc.constantFrom(
  "/",
  "//",
  "..",
  ".",
  "\\",
  "%2e",
  "%2F",
  "%5c",
  "%00",
  "?",
  "#",
  ";",
  "@",
  ":",
  " ",
  "\t",
  "%",
);
const words = fc.constantFrom(
  "about",
  "assets",
  "login",
  "hook",
  "shopping-cart",
  "https:",
  "shop.example.com",
  "returnTo=",
);
const pieces = fc.oneof(marks, words);
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(pieces, { maxLength: 12 }).map((parts) => `/${parts.join("")}`),
);
const cookie = fc.array(
  fc.tuple(
    fc.constantFrom("__Host-session", "__Host-refresh-token", "__Host-form", "x"),
    fc.oneof(anyText, fc.base64String()),
  ),
  { maxLength: 4 },
);
const anyRequest = fc.record({
  method: fc.constantFrom("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "get", ""),
  target: fc.oneof(anyText, fc.constantFrom("/", "/about", "/login", "/hook", "/shopping-cart", "*")),
  cookie: fc.option(cookie, { nil: undefined }),
  headers: fc.dictionary(
    fc.constantFrom("origin", "sec-fetch-site", "accept", "user-agent", "x-form-token"),
    fc.oneof(anyText, fc.constantFrom(origin, "same-origin", "cross-site", "application/json")),
  ),
  address: fc.option(anyText, { nil: undefined }),
  body: fc.oneof(fc.anything(), fc.dictionary(fc.constant("form-token"), fc.oneof(anyText, fc.anything()))),
});

function request({ method, target, cookie, headers, address, body }: Asked): IncomingRequest {
  const header = cookie?.map(([name, value]) => `${name}=${value}`).join("; ");
  const all = new Map(Object.entries({ ...headers, ...(header === undefined ? {} : { cookie: header }) }));
  return { method, target, address, header: (name) => all.get(name), body: () => body };
}
type Asked = typeof anyRequest extends fc.Arbitrary<infer Value> ? Value : never;

/** The paths that are open, by a rule of its own: compared letter by letter, tricks on no list. */
function isOpen(target: string): boolean {
  const path = target.split(/[?#]/, 1)[0] ?? "";
  const isPlain = !/\.\.|\/\/|\/\.|\\|%2e|%2f|%5c|%00/i.test(path);
  return ["/", "/about", "/login", "/hook"].includes(path) || (isPlain && path.startsWith("/assets/"));
}

test("a stranger reaches handlers on open paths only, whatever they send, and never as somebody (ASVS 7.2.1)", async () => {
  await fc.assert(
    fc.asyncProperty(anyRequest, async (asked) => {
      const received = await sessions.receive(request(asked));
      expect(received.kind === "visitor" && !isOpen(asked.target)).toBe(false);
      const session = received.kind === "visitor" ? received.visitor.session : null;
      expect(session).toBeNull();
    }),
    { numRuns: 2_000 },
  );
});

/** A plain GET. */
function visitTo(target: string): IncomingRequest {
  return { method: "GET", target, address: undefined, header: () => undefined, body: () => undefined };
}

test.each([
  "/assets/../shopping-cart",
  "/assets/./../shopping-cart",
  "/assets/..",
  "/assets/.",
  "/assets/%2e%2e/shopping-cart",
  "/assets/.%2E/shopping-cart",
  "/assets/..%2fshopping-cart",
  "/assets/%5c..%5cshopping-cart",
  "/assets/..\\shopping-cart",
  "/assets//shopping-cart",
  "/assets/a%00.css",
  "//assets/style.css",
  "//evil.example/assets/style.css",
  "//about",
  "https://shop.example.com/about",
  "about",
  "*",
  "",
])("the spelling %j of an open path is not open: frameworks may take it for another one", async (target) => {
  expect((await sessions.receive(visitTo(target))).kind).toBe("answer");
});

test.each(["/assets/style.css", "/assets/deep/style.v2.css?a=/../b", "/about?next=//x"])(
  "the plain path %j is open",
  async (target) => {
    expect((await sessions.receive(visitTo(target))).kind).toBe("visitor");
  },
);

test("what is answered to a stranger sets no cookie, is not stored, and leads to our own login page", async () => {
  await fc.assert(
    fc.asyncProperty(anyRequest, async (asked) => {
      const received = await sessions.receive(request(asked));
      if (received.kind === "visitor") return;
      const { status, headers } = received.answer;
      expect([302, 400, 401, 403]).toContain(status);
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers).not.toHaveProperty("set-cookie");
      expect(new URL(headers["location"] ?? "/", origin).origin).toBe(origin);
      expect(headers["location"] ?? "/login").toMatch(/^\/login(\?returnTo=[^\s"<>]*)?$/);
    }),
    { numRuns: 2_000 },
  );
});

test("a stranger's unsafe request reaches a handler on no path but the unguarded one", async () => {
  const unsafe = anyRequest.filter(({ method }) => !["GET", "HEAD", "OPTIONS"].includes(method));
  await fc.assert(
    fc.asyncProperty(unsafe, async (asked) => {
      const received = await sessions.receive(request(asked));
      expect(received.kind === "visitor" && asked.target.split(/[?#]/, 1)[0] !== "/hook").toBe(false);
    }),
    { numRuns: 2_000 },
  );
});
