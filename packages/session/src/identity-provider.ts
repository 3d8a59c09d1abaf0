/**
 * The only file that knows FusionAuth's wire format: what is asked, and what the answers mean. It keeps no state and no
 * password. What it can't make sense of it reports as unavailable: only the provider's own refusal of a refresh token may sign anybody out (D9).
 */
import { IdentityProviderMisconfiguredError, IdentityProviderUnavailableError } from "./errors.ts";
import type { Publish } from "./events.ts";
import { type Answer, type Send, sender } from "./provider-call.ts";
import type { User } from "./store/store.ts";

/** How to reach the identity provider. */
export interface IdentityProviderOptions {
  /** Base address. https, unless it is a loopback address or `fetch` leads into this process. */
  readonly url: string;
  /** This application's id at the provider, which is its OAuth client id too. */
  readonly applicationId: string;
  /** The key sent as `Authorization`; needs `/api/login`, `/api/user` and `/api/jwt/refresh`. */
  readonly apiKey: string;
  /** The OAuth client secret: with it, renewal uses `POST /oauth2/token`; without, `POST /api/jwt/refresh`. */
  readonly clientSecret?: string;
  /** Sent as `X-FusionAuth-TenantId`, where the provider has several tenants. */
  readonly tenantId?: string;
  /** The `iss` of the provider's JWTs; by default what its discovery document says. */
  readonly issuer?: string;
  /** How requests are sent: pass an embedded provider's `fetch` here. Default: the global one. */
  readonly fetch?: (request: Request) => Promise<Response>;
  /** Milliseconds until a call is given up; signing in, where a password is hashed, has twice that. Default 5,000. */
  readonly deadline?: number;
}

/** What the browser's user typed, and where. */
export interface Credentials {
  readonly loginId: string;
  readonly password: string;
  readonly deviceName: string;
  readonly address: string | undefined;
}

/** Why the provider would not sign a user in. An unknown user and a wrong password are the same answer. */
export type SignInRefusal =
  | "invalid-credentials"
  | "invalid-input"
  | "locked"
  | "expired"
  | "prevented"
  | "not-registered"
  | "password-change-required"
  | "verification-required"
  | "second-factor-required";

/** What the provider gives for good credentials. */
export interface ProviderSignIn {
  readonly user: User;
  readonly accessToken: string | null;
  readonly refreshToken: string | null;
  readonly refreshTokenId: string | null;
}

/** The provider's answer to credentials. */
export type SignInAnswer =
  | ({ readonly outcome: "signed-in" } & ProviderSignIn)
  | { readonly outcome: "refused"; readonly reason: SignInRefusal };

/** The provider's answer to a refresh token. */
export type RefreshAnswer =
  | { readonly outcome: "refreshed"; readonly accessToken: string; readonly refreshToken: string }
  | { readonly outcome: "invalid-grant" };

/** What the provider knows of a user now. */
export interface ProviderUser {
  readonly user: User;
  readonly active: boolean;
  readonly registered: boolean;
  /** Epoch milliseconds; 0 where the provider does not say. */
  readonly passwordChangedAt: number;
}

/** The calls. Each throws IdentityProviderUnavailableError or IdentityProviderMisconfiguredError, and nothing else. */
export interface IdentityProvider {
  signIn(credentials: Credentials): Promise<SignInAnswer>;
  refresh(refreshToken: string): Promise<RefreshAnswer>;
  /** `null` when there is no such user. */
  retrieveUser(userId: string): Promise<ProviderUser | null>;
  /** Revokes a refresh-token family; one that is gone already is no error. */
  revoke(refreshTokenId: string): Promise<void>;
  /** A GET of a public document, parsed: discovery and keys. */
  document(path: string): Promise<unknown>;
}

const refusals: Record<number, SignInRefusal> = {
  202: "not-registered",
  203: "password-change-required",
  212: "verification-required",
  213: "verification-required",
  242: "second-factor-required",
  400: "invalid-input",
  404: "invalid-credentials",
  409: "prevented",
  410: "expired",
  423: "locked",
};

/** The provider at `options.url`, spoken to as FusionAuth. */
export function identityProvider(
  options: IdentityProviderOptions,
  now: () => number,
  publish: Publish,
): IdentityProvider {
  const send = sender(options, now, publish);
  const { applicationId, clientSecret } = options;

  return {
    async signIn({ loginId, password, deviceName, address }) {
      const answer = await send("POST", "/api/login", {
        json: {
          loginId,
          password,
          applicationId,
          ...(address === undefined ? {} : { ipAddress: address }),
          metaData: { device: { name: deviceName, type: "BROWSER" } },
        },
        patience: 2,
      });
      const reason = isForeign(answer) ? undefined : refusals[answer.status];
      if (reason !== undefined) return { outcome: "refused", reason };
      const body = okBody(answer, "/api/login");
      return {
        outcome: "signed-in",
        user: readUser(body["user"], applicationId),
        accessToken: text(body["token"]),
        refreshToken: text(body["refreshToken"]),
        refreshTokenId: text(body["refreshTokenId"]),
      };
    },

    refresh: (refreshToken) =>
      clientSecret === undefined
        ? refreshByLoginApi(send, refreshToken)
        : refreshByGrant(send, refreshToken, applicationId, clientSecret),

    async retrieveUser(userId) {
      const answer = await send("GET", `/api/user/${encodeURIComponent(userId)}`, {});
      if (isAbsent(answer)) return null;
      const raw = record(okBody(answer, "/api/user")["user"]);
      const changed = raw["passwordLastUpdateInstant"];
      return {
        user: readUser(raw, applicationId),
        active: raw["active"] !== false,
        registered: registrationOf(raw, applicationId) !== undefined,
        passwordChangedAt: typeof changed === "number" ? changed : 0,
      };
    },

    async revoke(refreshTokenId) {
      const answer = await send("DELETE", `/api/jwt/refresh/${encodeURIComponent(refreshTokenId)}`, {});
      if (!isAbsent(answer) && answer.status !== 200) unusable(answer, "/api/jwt/refresh");
    },

    async document(path) {
      return okBody(await send("GET", path, { anonymous: true }), path);
    },
  };
}

/** `POST /api/jwt/refresh`: the JWT API, which asks for no client credentials (W2). */
async function refreshByLoginApi(send: Send, refreshToken: string): Promise<RefreshAnswer> {
  const answer = await send("POST", "/api/jwt/refresh", { json: { refreshToken }, anonymous: true });
  // 400 is FusionAuth's "invalid, expired or revoked", but only where it names the token: else it is our mistake.
  const errors = record(record(answer.body)["fieldErrors"]);
  if (answer.status === 400 && "refreshToken" in errors) return { outcome: "invalid-grant" };
  const body = okBody(answer, "/api/jwt/refresh");
  return refreshed(body["token"], body["refreshToken"] ?? refreshToken, answer);
}

/** The refresh-token grant (RFC 6749 §6), with this application's client credentials: a raw token alone is useless. */
async function refreshByGrant(
  send: Send,
  refreshToken: string,
  clientId: string,
  clientSecret: string,
): Promise<RefreshAnswer> {
  const credentials = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
  const answer = await send("POST", "/oauth2/token", {
    form: { grant_type: "refresh_token", refresh_token: refreshToken },
    authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
  });
  if (answer.status === 400 && record(answer.body)["error"] === "invalid_grant")
    return { outcome: "invalid-grant" };
  const body = okBody(answer, "/oauth2/token");
  return refreshed(body["access_token"], body["refresh_token"] ?? refreshToken, answer);
}

function refreshed(accessToken: unknown, refreshToken: unknown, answer: Answer): RefreshAnswer {
  if (typeof accessToken !== "string" || typeof refreshToken !== "string") unusable(answer, "the refresh");
  return { outcome: "refreshed", accessToken, refreshToken };
}

/** FusionAuth's 404 is empty: there is no such thing. Nothing else may end a sign-in or count as a revocation (D9). */
function isAbsent({ status, isEmpty }: Answer): boolean {
  return status === 404 && isEmpty;
}

/** A 404 that says something comes from what stands in between: a gateway, or another server at this address. */
function isForeign({ status, isEmpty }: Answer): boolean {
  return status === 404 && !isEmpty;
}

function okBody(answer: Answer, what: string): Record<string, unknown> {
  if (answer.status !== 200 || typeof answer.body !== "object" || answer.body === null)
    unusable(answer, what);
  return record(answer.body);
}

/** Sorts an answer nothing was expected of: our credentials or settings are wrong, or the provider is not well. */
function unusable({ status }: Answer, what: string): never {
  const ours = status === 400 || status === 401 || status === 403 || status === 404;
  const message = `The identity provider answered ${status} to ${what}.`;
  throw ours
    ? new IdentityProviderMisconfiguredError(message)
    : new IdentityProviderUnavailableError(message, { answered: true });
}

const profileFields = ["email", "username", "firstName", "lastName", "fullName", "imageUrl"] as const;

function readUser(value: unknown, applicationId: string): User {
  const raw = record(value);
  const id = text(raw["id"]);
  if (id === null)
    throw new IdentityProviderUnavailableError("The identity provider's answer holds no user id.", {
      answered: true,
    });
  const profile: { [field in (typeof profileFields)[number]]?: string } = {};
  for (const field of profileFields) {
    const content = text(raw[field]);
    if (content !== null) profile[field] = content;
  }
  return { id, ...profile, roles: strings(record(registrationOf(raw, applicationId))["roles"]) };
}

function registrationOf(user: Record<string, unknown>, applicationId: string): unknown {
  const registrations = user["registrations"];
  return Array.isArray(registrations)
    ? registrations.find((each) => record(each)["applicationId"] === applicationId)
    : undefined;
}

/** The members of a JSON object; no members for anything else. */
function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
