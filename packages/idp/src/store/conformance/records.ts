// Records for the cases, complete and each different in what has to be unique, and the place most cases begin in. Knows no store.

import assert from "node:assert/strict";
import type {
  ApiKey,
  Application,
  PasswordHash,
  RefreshToken,
  Registration,
  Role,
  SigningKey,
  Tenant,
  User,
} from "../records.ts";
import type { SignIn, Store } from "../store.ts";
import type { UserEvent, UserEventType, Webhook } from "../user-event.ts";
import { USER_EVENT_TYPES } from "../user-event.ts";

/** Epoch milliseconds; a case assigns to move time. */
export interface Clock {
  now: number;
}

const STAMPS = { version: 1, insertInstant: 1_000, lastUpdateInstant: 2_000 };

/** The lower-case UUID of a number. */
export function id(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

/** The tenant, application and user that are there when a case begins with `filled`. */
export const TENANT: string = id(1);
export const APPLICATION: string = id(2);
export const USER: string = id(3);
export const REGISTRATION: string = id(4);

/** A tenant. */
export function tenant(number: number, over: Partial<Tenant> = {}): Tenant {
  const settings = { issuer: "https://idp.example", jwtConfiguration: { timeToLiveInSeconds: 60 } };
  return { id: id(number), name: `Tenant ${number}`, isDefault: false, settings, ...STAMPS, ...over };
}

/** A role. */
export function role(number: number, over: Partial<Role> = {}): Role {
  return {
    id: id(number),
    name: `role ${number}`,
    description: "may do something",
    isDefault: true,
    isSuperRole: false,
    ...over,
  };
}

/** An application of TENANT. */
export function application(number: number, over: Partial<Application> = {}): Application {
  return {
    id: id(number),
    tenantId: TENANT,
    name: `Application ${number}`,
    active: true,
    settings: { loginConfiguration: { generateRefreshTokens: true } },
    sealedSecret: "sealed",
    roles: [],
    ...STAMPS,
    ...over,
  };
}

/** A password. */
export function password(over: Partial<PasswordHash> = {}): PasswordHash {
  return { scheme: "argon2id", hash: "hash", salt: null, factor: null, ...over };
}

/** A user of TENANT. */
export function user(number: number, over: Partial<User> = {}): User {
  return {
    id: id(number),
    tenantId: TENANT,
    email: `user${number}@example.com`,
    username: `User${number}`,
    active: true,
    verified: true,
    expiry: null,
    profile: { firstName: "Ada", data: { colour: "blue" } },
    password: password(),
    credentialVersion: 1,
    passwordLastUpdateInstant: 1_000,
    lastLoginInstant: null,
    ...STAMPS,
    ...over,
  };
}

/** A registration of USER for APPLICATION. */
export function registration(number: number, over: Partial<Registration> = {}): Registration {
  return {
    id: id(number),
    userId: USER,
    applicationId: APPLICATION,
    roles: ["customer"],
    verified: false,
    lastLoginInstant: null,
    ...STAMPS,
    ...over,
  };
}

/** A refresh token of USER for APPLICATION that began at `at`, expires after an hour and ends after a day. */
export function token(number: number, at: number, over: Partial<RefreshToken> = {}): RefreshToken {
  return {
    id: id(number),
    tenantId: TENANT,
    applicationId: APPLICATION,
    userId: USER,
    secret: Buffer.alloc(32, number % 256),
    keyId: "k1",
    generation: 1,
    startInstant: at,
    rotatedInstant: at,
    expiresInstant: at + HOUR,
    endsInstant: at + DAY,
    revokedInstant: null,
    revokedReason: null,
    metaData: { device: { name: "a phone", type: "BROWSER" } },
    lastAccessedAddress: "192.0.2.1",
    lastAccessedInstant: at,
    ...over,
  };
}

export const HOUR = 3_600_000;
export const DAY: number = 24 * HOUR;

/** The sign-in that a token comes of. */
export function signInOf(refreshToken: RefreshToken, over: Partial<SignIn> = {}): SignIn {
  const { userId, applicationId } = refreshToken;
  return { userId, credentialVersion: 1, applicationId, registrationId: null, refreshToken, ...over };
}

/** An API key. */
export function apiKey(number: number, over: Partial<ApiKey> = {}): ApiKey {
  return {
    id: id(number),
    name: `Key ${number}`,
    hash: `hash ${number}`,
    keyManager: false,
    tenantId: null,
    permissions: { endpoints: { "/api/user": ["GET"] } },
    metaData: { attributes: { of: "tests" } },
    expirationInstant: null,
    sample: false,
    ...STAMPS,
    ...over,
  };
}

/** A signing key that is as new as its number. */
export function signingKey(number: number, over: Partial<SigningKey> = {}): SigningKey {
  return {
    kid: `kid-${number}`,
    algorithm: "ES256",
    publicKey: "public",
    sealedPrivateKey: "sealed",
    insertInstant: number,
    verifiesUntil: null,
    ...over,
  };
}

/** A webhook that hears of every event everywhere. */
export function webhook(number: number, over: Partial<Webhook> = {}): Webhook {
  return {
    id: id(number),
    url: "https://store.example/webhooks",
    tenantIds: null,
    events: [...USER_EVENT_TYPES],
    connectTimeout: 1_000,
    readTimeout: 2_000,
    signed: true,
    sealedSecrets: "sealed",
    ...STAMPS,
    ...over,
  };
}

/** Puts TENANT, APPLICATION, USER and REGISTRATION there. */
export async function filled(store: Store): Promise<void> {
  assert.equal(await store.tenants.insert(tenant(1, { isDefault: true })), "saved");
  assert.equal(await store.applications.insert(application(2, { roles: [role(20)] })), "saved");
  assert.equal(await store.users.insert(user(3), registration(4)), "saved");
}

/** Signs USER in with a token of this number. */
export async function signedIn(
  store: Store,
  number: number,
  at: number,
  over: Partial<RefreshToken> = {},
): Promise<RefreshToken> {
  const refreshToken = token(number, at, over);
  assert.notEqual(await store.refreshTokens.signIn(signInOf(refreshToken)), null);
  return refreshToken;
}

/** Does something so many times at once and answers what came of each. */
export function times<T>(count: number, one: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => one(index)));
}

/** How often each answer was given. */
export function tally(answers: readonly unknown[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[String(answer)] = (counts[String(answer)] ?? 0) + 1;
  return counts;
}

/** Takes everything that waits for a receiver, in the order in which it may be delivered. */
export async function drained(store: Store, receiver: string): Promise<UserEvent[]> {
  const events: UserEvent[] = [];
  for (;;) {
    const deliveries = await store.outbox.claim(receiver, 100, 60_000);
    if (deliveries.length === 0) return events;
    for (const delivery of deliveries) {
      events.push(delivery.event);
      await store.outbox.finish(delivery);
    }
  }
}

/** The types of what `drained` answered, less those of signing in. */
export function typesOf(events: readonly UserEvent[]): UserEventType[] {
  return events.map(({ type }) => type).filter((type) => !type.startsWith("user.login"));
}

/** The value; fails the case where there is none. */
export function found<T>(value: T | null | undefined): T {
  assert.ok(value !== null && value !== undefined, "it is there");
  return value;
}
