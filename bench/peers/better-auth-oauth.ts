// better-auth's OAuth provider (@better-auth/oauth-provider) on SQLite, on node:http by its own handler (docs/integrations/node).
//
// As its documentation has it (docs/plugins/oauth-provider, …/tokens, …/reference; docs/plugins/jwt; docs/adapters/sqlite): the JWT plugin signs
// access tokens for a resource; here with ES256, as ours are. Every refresh rotates, and a used token that comes again ends the family; both is
// all it knows. No ID token besides, since `openid` is not asked for. Client and resource are looked up once (`cachedTrustedClients`,
// `cachedResources`). Tokens are kept as hashes, the signing key sealed, which is its default.
// Durable as ours is: WAL with `synchronous = FULL`. Its rate limit is off, since all requests come from one address.
// Families are got as applications get them: a code for a signed-in user, then its exchange.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { oauthProvider } from "@better-auth/oauth-provider";
import { type BetterAuthOptions, betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";
import { freePorts } from "../../test/free-ports.ts";
import { present } from "../candidate.ts";
import type { Family } from "../lanes/token.ts";
import { versionsOf } from "./versions.ts";
import { folder } from "../servers/folder.ts";

const [port = 0] = await freePorts(1);
const origin = `http://127.0.0.1:${port}`;
const resource = "https://api.example.com";
const callback = "https://store.example.com/callback";
const database = new DatabaseSync(join(folder, "better-auth.sqlite"));
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
const trusted = new Set<string>();
const options = {
  baseURL: origin,
  secret: randomBytes(32).toString("base64url"),
  database,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  disabledPaths: ["/token"],
  plugins: [
    jwt({ jwks: { keyPairConfig: { alg: "ES256" } } }),
    oauthProvider({
      loginPage: "/sign-in",
      consentPage: "/consent",
      scopes: ["api", "offline_access"],
      resources: [{ identifier: resource, allowedScopes: ["api", "offline_access"] }],
      clientRegistrationDefaultResources: [resource],
      cachedResources: new Set([resource]),
      cachedTrustedClients: trusted,
    }),
  ],
} satisfies BetterAuthOptions;
await (await getMigrations(options)).runMigrations();
const auth = betterAuth(options);
const handler = toNodeHandler(auth);
const server = createServer((request, response) => void handler(request, response)).listen(port, "127.0.0.1");
await once(server, "listening");

const operator = new Headers({ cookie: await signedUp(-1) });
const client = await auth.api.adminCreateOAuthClient({
  headers: operator,
  body: {
    client_name: "Store",
    redirect_uris: [callback],
    grant_types: ["authorization_code", "refresh_token"],
    scope: "api offline_access",
    skip_consent: true,
  },
});
const { client_id: clientId, client_secret: clientSecret = "" } = client;
trusted.add(clientId);
const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
const path = "/api/auth/oauth2/token";

async function family(index: number): Promise<Family> {
  const cookie = await signedUp(index);
  const verifier = randomBytes(32).toString("base64url");
  const code = await codeFor(cookie, createHash("sha256").update(verifier).digest("base64url"));
  const grant = { grant_type: "authorization_code", code, redirect_uri: callback, code_verifier: verifier };
  const answer = await fetch(`${origin}${path}`, {
    method: "POST",
    headers: { authorization },
    body: new URLSearchParams({ ...grant, resource }),
  });
  const body = (await answer.json()) as Record<string, string>;
  const { refresh_token: token } = body;
  if (token === undefined) throw new Error(`${path} gave no refresh token: ${JSON.stringify(body)}`);
  return { path, authorization, token, accessToken: null };
}

async function signedUp(index: number): Promise<string> {
  const body = {
    email: `person${index}.${randomBytes(4).toString("hex")}@example.com`,
    password: "correct horse battery staple",
    name: `Person ${index}`,
  };
  const { headers } = await auth.api.signUpEmail({ body, returnHeaders: true });
  return headers
    .getSetCookie()
    .map((cookie) => cookie.split(";", 1)[0])
    .join("; ");
}

async function codeFor(cookie: string, challenge: string): Promise<string> {
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: callback,
    scope: "api offline_access",
    state: "bench",
    code_challenge: challenge,
    code_challenge_method: "S256",
    resource,
  });
  const answer = await fetch(`${origin}/api/auth/oauth2/authorize?${query}`, {
    headers: { cookie },
    redirect: "manual",
  });
  const location = answer.headers.get("location") ?? ((await answer.json()) as { url?: string }).url ?? "";
  const code = URL.canParse(location) ? new URL(location).searchParams.get("code") : null;
  if (code === null) throw new Error(`No code: ${answer.status} ${location}`);
  return code;
}

present({
  port,
  versions: versionsOf("better-auth", "@better-auth/oauth-provider"),
  answers: {
    families: async (argument) => {
      const { count } = argument as { count: number };
      const families: Family[] = [];
      for (let index = 0; index < count; index++) families.push(await family(index));
      return families;
    },
  },
});
