// POST /api/login: password in, access token and – if the application is set so – refresh token out (§ Login of FusionAuth's API).
// Unknown user and wrong password are one answer after the same work (CWE-203); that a user is locked is told only to who
// knows the password, unlike in FusionAuth (its issue 2524).

import * as z from "zod";
import { issueAccessToken } from "../access-token.ts";
import { addressRange } from "../address-range.ts";
import { empty, json, withCookies } from "../answer.ts";
import { type Call, visible } from "../call.ts";
import { requiredTenant } from "../caller.ts";
import { fieldRefusal, HashingBusyError, RequestRefusedError } from "../errors.ts";
import { eventMembers, type LoginFailure } from "../events.ts";
import { deviceOf } from "../known-device.ts";
import { findByLoginId } from "../login-id.ts";
import { loginPrevented } from "../login-prevented.ts";
import { attemptPassword, attemptRefused, guesserAddress } from "../password-attempt.ts";
import type { Provider } from "../provider.ts";
import { newRefreshToken } from "../refresh.ts";
import { readJson, uuidOf, withoutNulls } from "../request.ts";
import type {
  Application,
  RefreshToken,
  Registration,
  Tenant,
  TokenMetaData,
  User,
} from "../store/records.ts";
import type { EventInfo } from "../store/user-event.ts";
import { tokenCookies } from "../token-cookies.ts";
import { tokenPolicy } from "../token-policy.ts";
import { userWire } from "../user-shape.ts";
import { data, fitsIn, line, password, requiredLine, uuid, validated } from "../validation.ts";

interface LoginRequest {
  loginId: string;
  password: string;
  applicationId?: string | undefined;
  loginIdTypes?: string[] | undefined;
  noJWT?: boolean | undefined;
  ipAddress?: string | undefined;
  metaData?: TokenMetaData | undefined;
  newDevice?: boolean | undefined;
}

const loginRequest: z.ZodType<LoginRequest> = z.object({
  loginId: requiredLine(191),
  password,
  applicationId: uuid.optional(),
  loginIdTypes: z.array(line(32)).max(8).optional(),
  noJWT: z.boolean().optional(),
  ipAddress: line(64).optional(),
  metaData: z
    .object({
      device: z
        .object({ name: line(255).optional(), description: line(255).optional(), type: line(255).optional() })
        .optional(),
      data: data.optional(),
      scopes: z.array(line(255)).max(50).optional(),
    })
    .refine(fitsIn(4_096), "[tooLong]")
    .optional(),
  newDevice: z.boolean().optional(),
});

// Read before the rest of the body: it says whether a key is needed.
const naming = z.object({ applicationId: z.string() });

interface Attempt {
  body: LoginRequest;
  tenant: Tenant;
  application: Application | null;
  /** The end user's, as far as anybody who can be believed has said it. */
  address: string | null;
  /** SHA-256 of the device's id, which stands nowhere else. */
  device: string | null;
}

interface SignedIn {
  user: User;
  registration: Registration | null;
  refreshToken: RefreshToken | null;
}

/**
 * Signs a user in. 200, 202 (not registered), 400, 401, 404, 409 (locked out), 410 or 423; see FusionAuth's login API. 429 with
 * Retry-After after too many failures, which FusionAuth does not have.
 */
export async function login(call: Call): Promise<Response> {
  call.provider.passwords.requirePlace();
  const sent = withoutNulls(await readJson(call.request));
  const application = await namedApplication(call, sent);
  await requireKey(call, application);
  const body = validated(loginRequest, sent);
  if (body.applicationId !== undefined && application === null)
    throw fieldRefusal("invalid", "applicationId");
  const tenant = await tenantOf(call, application);
  const { device, metaData } = deviceOf(body.metaData);
  const address = guesserAddress(call, body.ipAddress);
  const attempt = { body: { ...body, metaData }, application, tenant, address, device };

  const { users } = call.provider.store;
  const { loginId, password } = body;
  const user = await findByLoginId(users, tenant.id, loginId, body.loginIdTypes);
  const proof = await attemptPassword(call.provider, { tenant, loginId, user, password, address, device });
  if (proof.outcome === "throttled" || proof.outcome === "locked-out") {
    failedToSignIn(call, attempt, user, proof.outcome);
    return attemptRefused(tenant, proof);
  }
  if (proof.outcome === "wrong" || user === null)
    return refused(call, attempt, user, user === null ? "unknown-user" : "wrong-password");
  const prevented = loginPrevented(user, call.provider.config.now());
  if (prevented !== null) return refused(call, attempt, user, prevented);
  const signedIn = await record(call, attempt, user);
  return signedIn === null ? refused(call, attempt, user, "user-changed") : answer(call, attempt, signedIn);
}

async function namedApplication(call: Call, sent: unknown): Promise<Application | null> {
  const id = naming.safeParse(sent).data?.applicationId ?? "";
  const application = await call.provider.store.applications.find(uuidOf(id) ?? "");
  return application?.active === true ? visible(call, application) : null;
}

// A key is demanded unless the application, or the tenant for a sign-in without one, has switched that off.
async function requireKey(call: Call, application: Application | null): Promise<void> {
  if (call.apiKey !== null) return;
  const settings = application === null ? await onlyTenantSettings(call) : application.settings;
  if (settings?.loginConfiguration?.requireAuthentication !== false) throw new RequestRefusedError(401);
}

async function onlyTenantSettings(call: Call): Promise<Tenant["settings"] | null> {
  const tenants = await call.provider.store.tenants.list();
  const possible = tenants.filter((tenant) => call.tenantLimit === null || tenant.id === call.tenantLimit);
  return possible.length === 1 ? (possible[0]?.settings ?? null) : null;
}

async function tenantOf(call: Call, application: Application | null): Promise<Tenant> {
  const own = application === null ? null : await call.provider.store.tenants.find(application.tenantId);
  return own ?? requiredTenant(call);
}

function refused(call: Call, attempt: Attempt, user: User | null, reason: LoginFailure): Response {
  failedToSignIn(call, attempt, user, reason);
  if (user !== null) tellOfFailure(call, attempt, user, reason);
  if (reason === "user-locked") return empty(423);
  return empty(reason === "user-expired" ? 410 : 404);
}

// Of a password that was looked at: what throttling refuses has no end, and telling of it would have none either (CWE-770).
function tellOfFailure({ provider }: Call, attempt: Attempt, user: User, reason: LoginFailure): void {
  const applicationId = attempt.application?.id;
  const happening = { type: "user.login.failed", userId: user.id, applicationId, reason } as const;
  provider.store.outbox.tellLater({ ...happening, info: seenBy(attempt) });
}

// On what and from where; what is not said is not made up.
function seenBy({ body, address }: Attempt): EventInfo {
  const { name, description, type } = body.metaData?.device ?? {};
  const ipAddress = address ?? undefined;
  return { ipAddress, deviceName: name, deviceDescription: description, deviceType: type };
}

function failedToSignIn(
  call: Call,
  { tenant, application }: Attempt,
  user: User | null,
  reason: LoginFailure,
): void {
  call.provider.publish({
    type: "login-failed",
    tenantId: tenant.id,
    userId: user?.id ?? null,
    applicationId: application?.id ?? null,
    reason,
  });
}

// Null: while the password was being checked it was changed, the user locked or expired, the application deactivated or the
// registration deleted.
async function record(call: Call, attempt: Attempt, user: User): Promise<SignedIn | null> {
  const { store, passwords } = call.provider;
  const { application, body } = attempt;
  const registration = application === null ? null : await store.registrations.find(user.id, application.id);
  const generates = application?.settings.loginConfiguration?.generateRefreshTokens === true;
  const wanted = generates && registration !== null && body.noJWT !== true;
  const refreshToken = wanted ? refreshTokenFor(call, attempt, user, application) : null;
  const recorded = await store.refreshTokens.signIn({
    userId: user.id,
    credentialVersion: user.credentialVersion,
    applicationId: application?.id ?? null,
    registrationId: registration?.id ?? null,
    refreshToken,
    device: attempt.device,
    saidNew: body.newDevice === true,
    info: seenBy(attempt),
  });
  if (recorded === null) return null;
  if (recorded.newDevice) deviceIsNew(call, attempt, user);
  if (user.password !== null && passwords.isOutdated(user.password))
    await rehash(call.provider, user, attempt);
  return { user, registration, refreshToken };
}

function deviceIsNew({ provider }: Call, { tenant, application }: Attempt, user: User): void {
  const applicationId = application?.id ?? null;
  provider.publish({ type: "new-device", tenantId: tenant.id, userId: user.id, applicationId });
}

function refreshTokenFor(
  call: Call,
  { body, tenant, address }: Attempt,
  user: User,
  application: Application,
): RefreshToken {
  const owner = { tenantId: tenant.id, applicationId: application.id, userId: user.id };
  const seen = {
    metaData: body.metaData ?? {},
    address: address ?? call.address,
    now: call.provider.config.now(),
  };
  return newRefreshToken(call.provider, tokenPolicy(tenant, application), owner, seen);
}

// A full queue only puts this off until the next sign-in.
async function rehash({ passwords, store }: Provider, user: User, { body, address }: Attempt): Promise<void> {
  try {
    const password = await passwords.hash(body.password, addressRange(address));
    await store.users.rehash(user.id, user.credentialVersion, password);
  } catch (error) {
    if (!(error instanceof HashingBusyError)) throw error;
  }
}

async function answer(
  call: Call,
  { body, tenant, application }: Attempt,
  signedIn: SignedIn,
): Promise<Response> {
  const { provider } = call;
  const { registration, refreshToken } = signedIn;
  const now = provider.config.now();
  const user = { ...signedIn.user, lastLoginInstant: now };
  const registered = application === null || registration !== null;
  provider.publish({
    type: "login-succeeded",
    tenantId: tenant.id,
    userId: user.id,
    applicationId: application?.id ?? null,
    registered,
  });
  const shown = { user: userWire(user, await provider.store.registrations.list(user.id)) };
  const status = registered ? 200 : 202;
  if (body.noJWT === true) return json(shown, status);
  const issued = await issueAccessToken(provider, {
    tenant,
    user,
    application,
    registration,
    authenticationType: "PASSWORD",
    refreshToken,
    lifetimeSeconds: tokenPolicy(tenant, application).accessTokenSeconds,
  });
  const members = { ...shown, token: issued.token, tokenExpirationInstant: issued.expirationInstant };
  if (refreshToken === null) {
    return withCookies(json(members, status), tokenCookies(provider.config, issued.token, null));
  }
  const value = provider.refreshTokens.encode(refreshToken, refreshToken.generation, refreshToken.keyId);
  provider.publish({ type: "refresh-token-issued", ...eventMembers(refreshToken) });
  const lifetimeMs = refreshToken.expiresInstant - now;
  return withCookies(
    json({ ...members, refreshToken: value, refreshTokenId: refreshToken.id }, status),
    tokenCookies(provider.config, issued.token, { value, lifetimeMs }),
  );
}
