// Every route of the table, with everything that a caller should not send: always a 4xx, never a 5xx, and nothing stored.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createIdp, type Idp } from "../src/index.ts";
import { type Route, routes } from "../src/routes.ts";
import {
  ALICE,
  API_KEY,
  emptyDatabase,
  dump,
  FORUM_APP,
  ISSUER,
  KEYS,
  MANAGER_KEY,
  seeded,
  STORE_APP,
} from "./idp.ts";

const file = await emptyDatabase();
let idp: Idp;
beforeAll(async () => {
  idp = await createIdp({ database: file, issuer: ISSUER, keys: KEYS, kickstart: seeded() });
});
afterAll(() => idp.close());

const NOBODY = "00000000-0000-4000-8000-000000000000";

// One that exists for each parameter, so that only the body is wrong.
const IDS: Record<string, string> = {
  userId: ALICE,
  applicationId: STORE_APP,
  tokenId: ALICE,
  keyId: ALICE,
  roleId: ALICE,
};

function pathWith({ path }: Route, ids: Record<string, string>): string {
  return path.replaceAll(/:(\w+)\??/g, (_, name: string) => ids[name] ?? FORUM_APP);
}

function keyOf({ access }: Route): Record<string, string> {
  if (access === "anyone") return {};
  return { authorization: access === "key manager" ? MANAGER_KEY : API_KEY };
}

async function ask(
  route: Route,
  path: string,
  headers: Record<string, string>,
  body: string | null,
): Promise<number> {
  const request = new Request(`${ISSUER}${path}`, {
    method: route.method,
    headers: { ...keyOf(route), ...headers },
    body,
  });
  const response = await idp.fetch(request);
  const type = response.headers.get("content-type");
  const text = await response.text();
  // FusionAuth's clients parse what claims to be JSON and choke on an empty one.
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  expect(text === "" ? type : type?.startsWith("application/json")).toBe(text === "" ? null : true);
  return response.status;
}

const JSON_TYPE = { "content-type": "application/json" };
const wrongMembers = Object.fromEntries(
  [
    "user",
    "registration",
    "application",
    "role",
    "tenant",
    "apiKey",
    "users",
    "loginId",
    "refreshToken",
    "userId",
    "hardDelete",
  ].map((name) => [name, [["array", { of: "nonsense" }]]]),
);
const deep = `{"user":{"data":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}}`;

const BODIES: [string, Record<string, string>, string][] = [
  ["JSON that breaks off", JSON_TYPE, '{"user":'],
  ["JSON that is no object", JSON_TYPE, "[]"],
  ["a text", JSON_TYPE, '"text"'],
  ["null", JSON_TYPE, "null"],
  ["a member named __proto__", JSON_TYPE, '{"__proto__":{"isAdmin":true}}'],
  ["a member named __proto__ further in", JSON_TYPE, '{"user":{"data":{"__proto__":{"isAdmin":true}}}}'],
  ["__proto__ in disguise", JSON_TYPE, '{"application":{"\\u005f_proto__":{}}}'],
  ["nesting without end", JSON_TYPE, deep],
  ["more than 64 KiB", JSON_TYPE, JSON.stringify({ user: { data: { text: "x".repeat(70_000) } } })],
  ["members of wrong types", JSON_TYPE, JSON.stringify(wrongMembers)],
  ["bytes that are no UTF-8", { "content-type": "application/json;charset=latin1" }, '{"user":{}}'],
  ["an unknown content type", { "content-type": "application/xml" }, "<user/>"],
  ["no content type that says anything", { "content-type": "text/plain" }, "user=alice"],
  ["a compressed body", { ...JSON_TYPE, "content-encoding": "gzip" }, "{}"],
];

// Those that read a body; the others ignore what a client sends along, as HTTP asks of them.
const readsBody = (route: Route): boolean =>
  ["POST", "PUT", "PATCH"].includes(route.method) ||
  (route.method === "DELETE" && /jwt\/refresh|\/api\/user\/:userId$/.test(route.path));

const named = (chosen: readonly Route[]) =>
  chosen.map((route) => [`${route.method} ${route.path}`, route] as const);

describe.each(named(routes.filter(readsBody)))("the body of %s", (_, route) => {
  // Revoking by id needs no body and reads none; without the id it must.
  const path = route.path === "/api/jwt/refresh/:tokenId?" ? "/api/jwt/refresh" : pathWith(route, IDS);

  test.each(BODIES)("%s", async (_, headers, body) => {
    const before = await dump(file);
    const status = await ask(route, path, headers, body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(await dump(file)).toBe(before);
  });
});

const NO_IDS = [
  "not-an-id",
  "%0d%0aSet-Cookie:%20a=b",
  "%00",
  "..%2f..%2fetc",
  "'%20OR%201=1--",
  "x".repeat(3_000),
  "%",
  "%E0%A4%A",
];
// The keys are the same for every tenant, so that path takes any word.
const takesIds = ({ path }: Route): boolean => path.includes(":") && !path.endsWith("jwks.json");

describe.each(named(routes.filter(takesIds)))("ids in the path of %s", (_, route) => {
  test.each(NO_IDS)("%s", async (id) => {
    const before = await dump(file);
    const ids = Object.fromEntries(Object.keys({ ...IDS, tenantId: "" }).map((name) => [name, id]));
    const status = await ask(route, pathWith(route, ids), {}, null);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(await dump(file)).toBe(before);
  });
});

describe.each(named(routes))("%s", (_, route) => {
  // Of things that are not there, so that a query that is ignored changes nothing either.
  const absent = pathWith(route, Object.fromEntries(Object.keys(IDS).map((name) => [name, NOBODY])));

  test("a query that can't be meant", async () => {
    const before = await dump(file);
    const names = [
      "userId",
      "applicationId",
      "token",
      "email",
      "username",
      "loginId",
      "kid",
      "refreshToken",
      "hardDelete",
      "reactivate",
    ];
    const twice = names.map((name) => `${name}=a&${name}=b`).join("&");
    const odd = names.map((name) => `${name}=%0d%0a%00${"x".repeat(300)}`).join("&");
    for (const query of [twice, odd])
      expect(await ask(route, `${absent}?${query}`, {}, null)).toBeLessThan(500);
    expect(await dump(file)).toBe(before);
  });

  test("a tenant that is none, or another one", async () => {
    const before = await dump(file);
    for (const tenant of ["not-an-id", NOBODY]) {
      const status = await ask(route, pathWith(route, IDS), { "x-fusionauth-tenantid": tenant }, null);
      expect(status).toBeLessThan(500);
    }
    expect(await dump(file)).toBe(before);
  });

  test("without credentials, or with strange ones", async () => {
    const before = await dump(file);
    const isOpen = ["anyone", "optional api key"].includes(route.access);
    for (const authorization of [
      "Bearer",
      "Bearer a.b.c",
      "Basic",
      "Basic !!",
      "Basic OjpeOg==",
      "x".repeat(10_000),
    ]) {
      const headers = { authorization };
      const request = new Request(`${ISSUER}${pathWith(route, IDS)}`, { method: route.method, headers });
      const { status } = await idp.fetch(request);
      expect(isOpen ? status < 500 : status === 401).toBe(true);
    }
    expect(await dump(file)).toBe(before);
  });
});

test("fields over their length, with line breaks or of the wrong type are named", async () => {
  const before = await dump(file);
  const wrong: [string, string, object, string][] = [
    ["POST", "/api/user", { user: { email: `${"x".repeat(190)}@example.com` } }, "user.email"],
    ["POST", "/api/user", { user: { username: "a\r\nb" } }, "user.username"],
    ["POST", "/api/user", { user: { username: ["a"] } }, "user.username"],
    ["POST", "/api/user", { user: { username: "a", expiry: "tomorrow" } }, "user.expiry"],
    ["POST", "/api/user", { user: { username: "a", birthDate: "31.12.1999" } }, "user.birthDate"],
    ["POST", "/api/user", { user: { username: "a", preferredLanguages: "en" } }, "user.preferredLanguages"],
    ["POST", "/api/user", { user: { username: "a", data: [] } }, "user.data"],
    ["POST", "/api/user", {}, "user"],
    ["POST", "/api/application", { application: { name: "" } }, "application.name"],
    ["POST", "/api/application", { application: { name: "x".repeat(192) } }, "application.name"],
    ["POST", "/api/tenant", { tenant: { name: "a\nb" } }, "tenant.name"],
    ["POST", "/api/login", { loginId: ["alice"], password: "x" }, "loginId"],
    ["POST", "/api/login", { loginId: "alice", password: { $ne: null } }, "password"],
    ["PATCH", `/api/user/${ALICE}`, { user: null }, "user"],
    ["PATCH", `/api/user/${ALICE}`, {}, "user"],
    ["PATCH", `/api/application/${STORE_APP}`, { application: { name: null } }, "application.name"],
  ];
  for (const [method, path, body, field] of wrong) {
    const headers = { ...JSON_TYPE, authorization: API_KEY };
    const response = await idp.fetch(
      new Request(`${ISSUER}${path}`, { method, headers, body: JSON.stringify(body) }),
    );
    const answer = await response.json();
    expect([response.status, Object.keys(answer.fieldErrors)]).toEqual([400, [field]]);
  }
  expect(await dump(file)).toBe(before);
});

test("nothing that was sent changed a prototype", () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect({}).not.toHaveProperty("isAdmin");
});
