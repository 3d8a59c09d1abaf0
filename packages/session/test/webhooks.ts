/**
 * A sender of webhooks as the provider is one: its key stands in the JWKS beside the real provider's. It signs whatever a test
 * wants signed, so that a receiver can be tried with what no honest provider would send.
 */
import { createHash, randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from "jose";
import type { TestApplication, Variant } from "./application.ts";
import { exchange, type Incoming } from "./http.ts";
import type { Registration, TestProvider } from "./provider.ts";

/** Where applications under test receive. */
export const webhookPath = "/webhooks/identity-provider";

/** How a webhook differs from a good one. */
export interface Unusual {
  /** Claims instead of, or besides, the usual ones; `undefined` leaves one out. */
  readonly claims?: Record<string, unknown>;
  readonly header?: Partial<JWTHeaderParameters>;
  /** The key to sign with. */
  readonly key?: CryptoKey | Uint8Array;
  /** The header's value instead of a signature; `null` for none. */
  readonly signature?: string | null;
  /** What is sent instead of the body that was signed. */
  readonly sent?: string;
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly port?: number;
}

/** Sends webhooks. */
export interface Sender {
  /** What an application needs to receive from here. */
  variant(provider: TestProvider, registration?: Registration): Variant;
  /** Sends an event, completed to a whole one. */
  send(app: TestApplication, event: Record<string, unknown>, unusual?: Unusual): Promise<Incoming>;
  /** Sends these bytes, signed. */
  sendBody(app: TestApplication, body: string, unusual?: Unusual): Promise<Incoming>;
  sign(app: TestApplication, body: string, unusual?: Unusual): Promise<string>;
  /** A new key; the one before it, which is answered, is published no more. */
  roll(): Promise<Pick<Unusual, "header" | "key">>;
  /** The public key as PEM-less bytes: what somebody would use who takes it for an HMAC's. */
  publicKey(): Uint8Array;
}

/** A sender with a key of its own. */
export async function webhookSender(): Promise<Sender> {
  let kid = "";
  let publicJwk: Record<string, unknown> = {};
  let privateKey: CryptoKey;
  const roll = async () => {
    const before = { header: { kid }, key: privateKey };
    const pair = await generateKeyPair("ES256");
    kid = randomUUID();
    privateKey = pair.privateKey;
    publicJwk = { ...(await exportJWK(pair.publicKey)), kid, alg: "ES256", use: "sig" };
    return before;
  };
  await roll();

  const sign: Sender["sign"] = (app, body, { claims = {}, header = {}, key } = {}) => {
    const now = Math.floor(app.clock.now() / 1_000);
    const usual = {
      request_body_sha256: createHash("sha256").update(body).digest("base64"),
      iss: "http://idp.test",
      iat: now,
      exp: now + 300,
      jti: randomUUID(),
    };
    return new SignJWT({ ...usual, ...claims })
      .setProtectedHeader({ alg: "ES256", typ: "JWT", kid, ...header })
      .sign(key ?? privateKey);
  };
  const sendBody: Sender["sendBody"] = async (app, body, unusual = {}) => {
    const { signature = await sign(app, body, unusual), headers, method = "POST", port } = unusual;
    return exchange(port ?? app.port, {
      method,
      path: webhookPath,
      headers: {
        host: new URL(app.origin).host,
        "content-type": "application/json",
        ...(signature === null ? {} : { "x-fusionauth-signature-jwt": signature }),
        ...headers,
      },
      ...(method === "GET" || method === "HEAD" ? {} : { body: unusual.sent ?? body }),
    });
  };

  return {
    sign,
    sendBody,
    roll,
    send(app, event, unusual) {
      const whole = { id: randomUUID(), createInstant: app.clock.now(), tenantId: randomUUID(), ...event };
      return sendBody(app, JSON.stringify({ event: whole }), unusual);
    },
    publicKey: () => Buffer.from(JSON.stringify(publicJwk)),
    variant(provider, registration = "hardened") {
      const options = provider.options(registration);
      const fetch = async (request: Request): Promise<Response> => {
        const response = await (options.fetch ?? globalThis.fetch)(request);
        if (new URL(request.url).pathname !== "/.well-known/jwks.json" || !response.ok) return response;
        const { keys } = (await response.json()) as { keys: unknown[] };
        return Response.json({ keys: [...keys, publicJwk] });
      };
      return { webhookPath, identityProvider: { ...options, fetch } };
    },
  };
}

/** The events by which a provider tells that a user's sign-ins are over, as FusionAuth forms them. */
export function endingEvents(userId: string, applicationId: string): Record<string, Record<string, unknown>> {
  const user = { id: userId, active: false };
  return {
    "user.deactivate": { type: "user.deactivate", user },
    "user.delete": { type: "user.delete", user },
    "user.password.update": { type: "user.password.update", user },
    "user.registration.delete": { type: "user.registration.delete", applicationId, registration: {}, user },
    "jwt.refresh-token.revoke of a user": {
      type: "jwt.refresh-token.revoke",
      userId,
      user,
      applicationTimeToLiveInSeconds: { [applicationId]: 600 },
    },
    "jwt.refresh-token.revoke of a user's sign-ins here": {
      type: "jwt.refresh-token.revoke",
      userId,
      user,
      applicationId,
      applicationTimeToLiveInSeconds: { [applicationId]: 600 },
    },
    "jwt.refresh-token.revoke of the application": {
      type: "jwt.refresh-token.revoke",
      applicationId,
      applicationTimeToLiveInSeconds: { [applicationId]: 600 },
    },
  };
}
