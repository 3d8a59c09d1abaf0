// What anyone may know: the public keys (JWKS and FusionAuth's /api/jwt/public-key) and the discovery document (OpenID Connect
// Discovery 1.0 §4), which names only what exists here.

import { json, publicJson } from "../answer.ts";
import { type Call, pathId } from "../call.ts";
import { RequestRefusedError } from "../errors.ts";
import { issuerOf } from "../provider.ts";
import { publicJwk } from "../signing-keys.ts";
import type { Tenant } from "../store/records.ts";

// A new key is here a minute before it signs: also who asks for no kid anew, and sits behind a cache, has it in time.
const JWKS_SECONDS = 30;
const DISCOVERY_SECONDS = 300;

/** GET /.well-known/jwks.json: all keys that may verify, the one that signs first. */
export async function jwks({ provider }: Call): Promise<Response> {
  return publicJson({ keys: (await provider.signingKeys.published()).map(publicJwk) }, JWKS_SECONDS);
}

/** GET /.well-known/openid-configuration, also of one tenant. 404 for an unknown tenant. */
export async function discovery(call: Call): Promise<Response> {
  const { provider } = call;
  const tenant = await discoveredTenant(call);
  const base = provider.config.issuer.replace(/\/+$/, "");
  const document = {
    issuer: issuerOf(provider, tenant),
    token_endpoint: `${base}/oauth2/token`,
    jwks_uri: `${base}/.well-known/jwks.json`,
    grant_types_supported: ["refresh_token"],
    response_types_supported: [],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [provider.config.signingAlgorithm],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
    claims_supported: [
      "aud",
      "auth_time",
      "email",
      "email_verified",
      "exp",
      "iat",
      "iss",
      "preferred_username",
      "roles",
      "sid",
      "sub",
      "tid",
    ],
    backchannel_logout_supported: false,
  };
  return publicJson(document, DISCOVERY_SECONDS);
}

/** GET /api/jwt/public-key: all as `publicKeys`, or the one that `kid` or `applicationId` names; 404 if there is none. */
export async function publicKey({ provider, query }: Call): Promise<Response> {
  const kid = query.get("kid");
  const applicationId = query.id("applicationId");
  const keys = await provider.signingKeys.published();
  if (kid === null && applicationId === null) {
    return json({ publicKeys: Object.fromEntries(keys.map((key) => [key.kid, key.pem])) });
  }
  // All applications sign with the provider's one key.
  const known = applicationId === null || (await provider.store.applications.find(applicationId)) !== null;
  const key = kid === null ? keys[0] : keys.find((candidate) => candidate.kid === kid);
  if (!known || key === undefined) throw new RequestRefusedError(404);
  return json({ publicKey: key.pem });
}

async function discoveredTenant(call: Call): Promise<Tenant> {
  const { tenants } = call.provider.store;
  const id = pathId(call, "tenantId") ?? call.query.id("tenantId") ?? call.tenantLimit;
  // The default tenant comes first.
  const tenant = id === null ? ((await tenants.list())[0] ?? null) : await tenants.find(id);
  if (tenant === null) throw new RequestRefusedError(404);
  return tenant;
}
