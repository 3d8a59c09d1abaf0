// Access tokens the provider did not sign for us (WSTG-SESS-10, RFC 8725): a gateway, a copied token, or a forger stands where
// the provider should be, answers a sign-in, and hands over a JWT. Nobody is signed in by it, and nothing is set.
import { createHmac, generateKeyPairSync } from "node:crypto";
import { Hono } from "hono";
import { exportJWK, exportSPKI, type JWTPayload, SignJWT } from "jose";
import { afterEach, beforeAll, expect, test } from "vitest";
import { createSessions, memoryStore } from "../src/index.ts";
import { latchkey, visitor } from "../src/hono.ts";
import { cookieKey, start } from "./records.ts";

const origin = "https://shop.example.com";
const url = "https://id.example.com";
const applicationId = "10000000-0000-4000-8000-00000000000a";
const userId = "20000000-0000-4000-8000-000000000001";
const form = "application/x-www-form-urlencoded";
const seconds = Math.floor(start / 1_000);

const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 3_072 });
const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" });
let published: object[];
let publicPem: string;
let sessions: ReturnType<typeof createSessions> | null = null;

beforeAll(async () => {
  published = [
    { ...(await exportJWK(elliptic.publicKey)), kid: "ec", alg: "ES256", use: "sig" },
    { ...(await exportJWK(rsa.publicKey)), kid: "rsa", use: "sig" },
  ];
  publicPem = await exportSPKI(elliptic.publicKey);
});
afterEach(() => sessions?.close());

const rightClaims: JWTPayload = {
  iss: url,
  aud: applicationId,
  sub: userId,
  sid: "30000000-0000-4000-8000-000000000001",
  iat: seconds,
  exp: seconds + 600,
};
const rightHeader = { alg: "ES256", kid: "ec", typ: "JWT" };

/** Changes to claims or header; `undefined` takes one away. */
interface Change {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly key?: typeof elliptic.privateKey;
}

function signed({ claims = {}, header = {}, key = elliptic.privateKey }: Change = {}): Promise<string> {
  const payload = JSON.parse(JSON.stringify({ ...rightClaims, ...claims })) as JWTPayload;
  return new SignJWT(payload).setProtectedHeader({ ...rightHeader, ...header }).sign(key);
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const unsigned = (header: object, signature = ""): string =>
  `${part({ ...rightHeader, ...header })}.${part(rightClaims)}.${signature}`;

/** What comes of a sign-in whose answer holds this access token, and what it asked for by GET. */
async function signInWith(
  token: string,
): Promise<{ outcome: string; setCookies: string[]; asked: string[] }> {
  const asked: string[] = [];
  sessions = createSessions({
    application: "store",
    origin,
    workflow: "sessions",
    cookieKeys: [cookieKey("2026a")],
    publicPaths: ["/"],
    store: memoryStore(),
    now: () => start,
    identityProvider: {
      url,
      applicationId,
      apiKey: "the key of the API",
      async fetch(request) {
        const { pathname } = new URL(request.url);
        if (request.method === "GET") asked.push(request.url);
        if (pathname.endsWith("openid-configuration")) return Response.json({ issuer: url });
        if (pathname.endsWith("jwks.json")) return Response.json({ keys: published });
        const registrations = [{ applicationId }];
        return Response.json({ token, user: { id: userId, active: true, registrations } });
      },
    },
  });
  const app = new Hono();
  app.use(latchkey(sessions, { address: () => undefined }));
  app.get("/login", (c) => c.text(visitor(c).formToken()));
  app.post("/login", async (c) => {
    const { loginId, password } = await c.req.parseBody();
    return c.text((await visitor(c).signIn({ loginId, password })).outcome);
  });
  const page = await app.request(`${origin}/login`);
  const cookie = page.headers
    .getSetCookie()
    .map((header) => header.split(";")[0])
    .join("; ");
  const fields = { loginId: "ada", password: "p", "form-token": await page.text() };
  const body = new URLSearchParams(fields).toString();
  const headers = { cookie, origin, "content-type": form, "content-length": String(body.length) };
  const answer = await app.request(`${origin}/login`, { method: "POST", headers, body });
  return { outcome: await answer.text(), setCookies: answer.headers.getSetCookie(), asked };
}

async function expectRefused(token: string): Promise<void> {
  const { outcome, setCookies, asked } = await signInWith(token);
  const ofSession = setCookies.filter((each) => !each.startsWith("__Host-device="));
  expect([outcome, ofSession]).toEqual(["unavailable", []]);
  // Only the provider itself is asked for keys, whatever the token points at (SSRF).
  for (const address of asked) expect(address.startsWith(`${url}/.well-known/`)).toBe(true);
}

test("the provider's own token signs in: what the refusals below differ from", async () => {
  const { outcome, setCookies } = await signInWith(await signed());
  expect(outcome).toBe("signed-in");
  expect(setCookies.some((each) => each.startsWith("__Host-session="))).toBe(true);
  const key = rsa.privateKey;
  expect((await signInWith(await signed({ header: { alg: "RS256", kid: "rsa" }, key }))).outcome).toBe(
    "signed-in",
  );
});

test.each(["none", "None", "NONE", "nOnE", ""])(
  "a token of the algorithm %j is refused (ASVS 9.1.2)",
  async (alg) => {
    await expectRefused(unsigned({ alg }));
    await expectRefused(unsigned({ alg }, "AAAA"));
    await expectRefused(unsigned({ alg, kid: undefined }));
  },
);

test.each(["HS256", "HS384", "HS512"])(
  "a token signed by %s with the public key as the secret is refused (ASVS 9.1.2)",
  async (alg) => {
    for (const secret of [publicPem, publicPem.trim(), JSON.stringify(published[0])]) {
      const content = `${part({ ...rightHeader, alg })}.${part(rightClaims)}`;
      const mac = createHmac(`sha${alg.slice(2)}`, secret)
        .update(content)
        .digest("base64url");
      await expectRefused(`${content}.${mac}`);
    }
  },
);

test("a token that names an algorithm its key is not for is refused (ASVS 9.1.2)", async () => {
  const token = await signed();
  const [, claims = "", signature = ""] = token.split(".");
  for (const [alg, kid] of [
    ["ES384", "ec"],
    ["EdDSA", "ec"],
    ["RS256", "ec"],
    ["ES256", "rsa"],
    ["PS256", "ec"],
  ]) {
    await expectRefused(`${part({ ...rightHeader, alg, kid })}.${claims}.${signature}`);
  }
});

test("a token that brings its own key, or says where one is, is refused, and nobody goes there (ASVS 9.1.3)", async () => {
  const jwk = await exportJWK(foreign.publicKey);
  const key = foreign.privateKey;
  for (const header of [
    { jwk },
    { jwk, kid: undefined },
    { jku: "https://evil.example/jwks.json" },
    { jku: "https://evil.example/jwks.json", kid: "evil" },
    { x5u: "http://169.254.169.254/latest" },
    { x5c: ["AAAA"] },
    { kid: "../../../dev/null" },
    { kid: "ec' OR '1'='1" },
    { kid: "https://evil.example/jwks.json" },
  ]) {
    await expectRefused(await signed({ header, key }));
  }
});

test("a token with any part changed, cut off or added to is refused (ASVS 6.8.2, 9.1.1)", async () => {
  const token = await signed();
  const [header = "", claims = "", signature = ""] = token.split(".");
  const changed = (text: string) => `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;
  const asOther = part({ ...rightClaims, sub: "20000000-0000-4000-8000-000000000002" });
  for (const each of [
    `${changed(header)}.${claims}.${signature}`,
    `${header}.${changed(claims)}.${signature}`,
    `${header}.${asOther}.${signature}`,
    `${header}.${claims}.${changed(signature)}`,
    `${header}.${claims}.${"A".repeat(86)}`,
    `${header}.${claims}.`,
    `${header}.${claims}`,
    `${token}.AAAA`,
    "..",
    "x",
  ]) {
    await expectRefused(each);
  }
  await expectRefused(await signed({ key: foreign.privateKey }));
  await expectRefused(
    await signed({ header: { crit: ["exp"] } }).catch(() => unsigned({ crit: ["b64"] }, signature)),
  );
});

test("a token outside its time, or without an end, is refused (ASVS 9.2.1)", async () => {
  for (const claims of [
    { exp: seconds - 61 },
    { exp: seconds - 60 },
    { exp: undefined },
    { exp: null },
    { exp: String(seconds + 600) },
    { exp: "never" },
    { nbf: seconds + 61 },
    { nbf: "soon" },
  ]) {
    await expectRefused(await signed({ claims }));
  }
  // Clocks differ: up to 60 seconds are forgiven.
  expect((await signInWith(await signed({ claims: { exp: seconds - 59 } }))).outcome).toBe("signed-in");
  expect((await signInWith(await signed({ claims: { nbf: seconds + 60 } }))).outcome).toBe("signed-in");
});

test("a token for another audience, or for none, is refused (ASVS 9.2.3, 10.3.1, 10.5.4)", async () => {
  const other = "10000000-0000-4000-8000-000000000002";
  for (const aud of [
    other,
    [other],
    [],
    "",
    undefined,
    null,
    applicationId.toUpperCase(),
    `${applicationId} `,
  ]) {
    await expectRefused(await signed({ claims: { aud } }));
  }
});

test("a token of another issuer is refused, however alike its name (ASVS 10.5.3)", async () => {
  for (const iss of [
    `${url}/`,
    "https://id.example.com.evil.example",
    "https://ID.example.com",
    "http://id.example.com",
    "id.example.com",
    "",
    undefined,
    null,
    [url],
  ]) {
    await expectRefused(await signed({ claims: { iss } }));
  }
});

test("a token of another user than the answer names is refused: who it is stands in its sub (ASVS 10.3.3, 10.5.2)", async () => {
  for (const sub of ["20000000-0000-4000-8000-000000000002", "", undefined, null]) {
    await expectRefused(await signed({ claims: { sub, email: "ada@example.com" } }));
  }
});
