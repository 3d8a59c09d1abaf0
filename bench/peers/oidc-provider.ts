// oidc-provider with the in-memory adapter that it brings: nothing is written anywhere, and a restart forgets all tokens. Every refresh rotates
// (`rotateRefreshToken: true`; by default a confidential client's token is rotated late in its life only). Access tokens are JWTs, signed with ES256 as
// ours are, which it issues for a resource (`features.resourceIndicators`); no ID token besides, since `openid` is not asked for. Otherwise as
// its docs/README.md has it ("Configuration options": adapter, features.resourceIndicators, rotateRefreshToken, jwks, ttl).
// Families are put into the store by its own models, as if their users had just signed in.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import { Provider } from "oidc-provider";
import { present } from "../candidate.ts";
import { freePorts } from "../../test/free-ports.ts";
import type { Family } from "../lanes/token.ts";
import { versionsOf } from "./versions.ts";

process.on("SIGTERM", () => process.exit(0));

const [port = 0] = await freePorts(1);
const resource = "https://api.example.com";
const scope = "api offline_access";
const day = 86_400;
const client = { id: "store", secret: randomBytes(32).toString("base64url") };
const signingKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: client.id,
      client_secret: client.secret,
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      redirect_uris: ["https://store.example.com/callback"],
      token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: "ES256",
    },
  ],
  jwks: { keys: [{ ...signingKey, alg: "ES256", use: "sig", kid: "1" }] },
  cookies: { keys: [randomBytes(32).toString("base64url")] },
  findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
  scopes: ["api", "offline_access"],
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "api",
        audience: resource,
        accessTokenFormat: "jwt",
        accessTokenTTL: 3_600,
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
  ttl: { AccessToken: 3_600, RefreshToken: 30 * day, Grant: 30 * day },
});
const server = createServer(provider.callback()).listen(port, "127.0.0.1");
await once(server, "listening");

async function family(index: number): Promise<Family> {
  const accountId = `person${index}`;
  const grant = new provider.Grant({ accountId, clientId: client.id });
  grant.addOIDCScope("offline_access");
  grant.addResourceScope(resource, "api");
  const token = new provider.RefreshToken({
    accountId,
    client: await provider.Client.find(client.id),
    grantId: await grant.save(),
    gty: "authorization_code",
    authTime: Math.floor(Date.now() / 1_000),
    resource,
    scope,
  });
  const authorization = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString("base64")}`;
  return { path: "/token", authorization, token: await token.save(), accessToken: null };
}

present({
  port,
  versions: versionsOf("oidc-provider"),
  answers: {
    families: (argument) => {
      const { count } = argument as { count: number };
      return Promise.all(Array.from({ length: count }, (_, index) => family(index)));
    },
  },
});
