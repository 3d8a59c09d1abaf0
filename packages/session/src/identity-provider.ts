/**
 * FusionAuth's wire format: what is asked, and what the answers mean. No other file knows it but provider-answer.ts and, for
 * webhooks, provider-event.ts. It keeps no state and no password. What it can't make sense of it reports as unavailable: only
 * the provider's own refusal of a refresh token may sign anybody out (D9).
 */
import type { Publish } from "./events.ts";
import {
  isAbsent,
  isForeign,
  okBody,
  passwordChangedAt,
  readUser,
  record,
  registrationOf,
  text,
  unusable,
} from "./provider-answer.ts";
import {
  type Answer,
  type Clocks,
  defaultRetryAfter,
  secondsUntil,
  type Send,
  sender,
} from "./provider-call.ts";
import type {
  Credentials,
  Family,
  IdentityProvider,
  IdentityProviderOptions,
  PasswordChange,
  PasswordChangeAnswer,
  ProviderUser,
  RefreshAnswer,
  SignInAnswer,
  SignInRefusal,
  Throttled,
} from "./provider-contract.ts";

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
  clocks: Clocks,
  publish: Publish,
): IdentityProvider {
  const send = sender(options, clocks, publish);
  const { applicationId, clientSecret } = options;

  return {
    signIn: (credentials) => signIn(send, applicationId, credentials),

    refresh: (refreshToken) =>
      clientSecret === undefined
        ? refreshByLoginApi(send, refreshToken)
        : refreshByGrant(send, refreshToken, applicationId, clientSecret),

    retrieveUser: (userId) => retrieveUser(send, applicationId, userId),

    changePassword: (change) => changePassword(send, change, clocks.now),

    hasFamily: (id) => hasFamily(send, id),

    revoke: (id, reason) =>
      revoke(send, `/${encodeURIComponent(id)}${reason === undefined ? "" : `?reason=${reason}`}`),

    async familiesOf(userId) {
      const all = await refreshTokensOf(send, userId);
      return all.filter((family) => family.applicationId === applicationId);
    },

    revokeUser: (userId) => revoke(send, `?userId=${encodeURIComponent(userId)}`),

    revokeUserUntil: (userId, instant, except) => revokeUserUntil(send, userId, instant, except),

    async document(path) {
      return okBody(await send("GET", path, { anonymous: true }), path);
    },

    isUp: () => isUp(send),
  };
}

/** `POST /api/login`: wrong passwords and unknown users are one refusal. */
async function signIn(
  send: Send,
  applicationId: string,
  { loginId, password, deviceName, address, deviceId }: Credentials,
): Promise<SignInAnswer> {
  const answer = await send("POST", "/api/login", {
    json: {
      loginId,
      password,
      applicationId,
      ...(address === undefined ? {} : { ipAddress: address }),
      metaData: {
        device: { name: deviceName, type: "BROWSER" },
        ...(deviceId === null ? {} : { data: { deviceId } }),
      },
    },
    patience: 2,
  });
  if (answer.status === 429) return throttled(answer);
  const reason = isForeign(answer) ? undefined : refusals[answer.status];
  if (reason !== undefined) return { outcome: "refused", reason };
  const body = okBody(answer, "/api/login");
  return {
    outcome: "signed-in",
    user: readUser(body["user"], applicationId),
    accessToken: text(body["token"]),
    refreshToken: text(body["refreshToken"]),
    refreshTokenId: text(body["refreshTokenId"]),
    passwordChangedAt: passwordChangedAt(record(body["user"])),
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

async function retrieveUser(send: Send, applicationId: string, userId: string): Promise<ProviderUser | null> {
  const answer = await send("GET", `/api/user/${encodeURIComponent(userId)}`, {});
  if (isAbsent(answer)) return null;
  const raw = record(okBody(answer, "/api/user")["user"]);
  return {
    user: readUser(raw, applicationId),
    active: raw["active"] !== false,
    registered: registrationOf(raw, applicationId) !== undefined,
    passwordChangedAt: passwordChangedAt(raw),
  };
}

/** The API-key form of the call: the current password is checked like one at sign-in, and counted like one. */
async function changePassword(
  send: Send,
  { loginId, currentPassword, newPassword, address, deviceId }: PasswordChange,
  now: () => number,
): Promise<PasswordChangeAnswer> {
  const call = (json: unknown) => send("POST", "/api/user/change-password", { json, patience: 2 });
  const change = { loginId, currentPassword, password: newPassword };
  const from = {
    ...(address === undefined ? {} : { ipAddress: address }),
    ...(deviceId === null ? {} : { metaData: { data: { deviceId } } }),
  };
  const first = await call({ ...change, ...from });
  // Where the change is made from is our provider's to know; one that knows no such fields is asked without them.
  const answer = isUnknownShape(first) ? await call(change) : first;
  if (answer.status === 429) return throttled(answer);
  if (answer.status === 409) return lockedOut(answer, now());
  if (isAbsent(answer)) return { outcome: "wrong-password" };
  const errors = record(record(answer.body)["fieldErrors"]);
  if (answer.status === 400 && Array.isArray(errors["password"]))
    return { outcome: "unacceptable", faults: faultsOf(errors["password"]) };
  if (answer.status === 400 && ("currentPassword" in errors || "loginId" in errors))
    return { outcome: "wrong-password" };
  if (answer.status !== 200) unusable(answer, "/api/user/change-password");
  return { outcome: "changed" };
}

function throttled({ retryAfter }: Answer): Throttled {
  return { outcome: "throttled", retryAfter: retryAfter ?? defaultRetryAfter };
}

/** FusionAuth's 400 about the request as a whole, as for a field it does not know. */
function isUnknownShape({ status, body }: Answer): boolean {
  return status === 400 && "generalErrors" in record(body) && !("fieldErrors" in record(body));
}

/** FusionAuth's lockout after too many failures is a wait too: until the last of its actions expires. */
function lockedOut(answer: Answer, now: number): Throttled {
  const actions = record(answer.body)["actions"];
  const expiries = (Array.isArray(actions) ? actions : []).map((action) => Number(record(action)["expiry"]));
  const retryAfter = secondsUntil(Math.max(...expiries), now);
  return { outcome: "throttled", retryAfter: retryAfter ?? answer.retryAfter ?? defaultRetryAfter };
}

/** "tooShort" of `[tooShort]password`. */
function faultsOf(errors: readonly unknown[]): string[] {
  const codes = errors.map((error) => text(record(error)["code"]) ?? "");
  return codes.map((code) => /^\[(\w+)\]/.exec(code)?.[1] ?? "");
}

async function hasFamily(send: Send, id: string): Promise<boolean> {
  const answer = await send("GET", `/api/jwt/refresh/${encodeURIComponent(id)}`, {});
  if (isAbsent(answer)) return false;
  okBody(answer, "/api/jwt/refresh");
  return true;
}

/** One family, or what the query names; gone already is as good as revoked. */
async function revoke(send: Send, which: string): Promise<void> {
  const answer = await send("DELETE", `/api/jwt/refresh${which}`, {});
  if (!isAbsent(answer) && answer.status !== 200) unusable(answer, "/api/jwt/refresh");
}

async function revokeUserUntil(
  send: Send,
  userId: string,
  instant: number,
  except: ReadonlySet<string>,
): Promise<void> {
  for (const { id, startedAt } of await refreshTokensOf(send, userId))
    if (startedAt <= instant && !except.has(id)) await revoke(send, `/${encodeURIComponent(id)}`);
}

async function refreshTokensOf(
  send: Send,
  userId: string,
): Promise<(Family & { readonly applicationId: unknown })[]> {
  const answer = await send("GET", `/api/jwt/refresh?userId=${encodeURIComponent(userId)}`, {});
  if (isAbsent(answer)) return [];
  const tokens = okBody(answer, "/api/jwt/refresh")["refreshTokens"];
  if (!Array.isArray(tokens)) unusable(answer, "/api/jwt/refresh");
  return tokens.map((each: unknown) => {
    const [id, startedAt] = [text(record(each)["id"]), record(each)["startInstant"]];
    if (id === null || typeof startedAt !== "number") unusable(answer, "/api/jwt/refresh");
    return { id, startedAt, applicationId: record(each)["applicationId"] };
  });
}

/** `GET /api/status`, as anybody may ask. A FusionAuth that wants a key for it is there all the same. */
async function isUp(send: Send): Promise<boolean> {
  const { status } = await send("GET", "/api/status", { anonymous: true });
  return status === 200 || status === 401 || status === 403;
}
