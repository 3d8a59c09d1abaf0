// A user with very many sign-ins, each with its family of refresh tokens at the provider and its session: written by the stores' own methods, many
// at once, since signing in ten thousand times would take ten thousand hashes of a password.
import { randomBytes, randomUUID } from "node:crypto";
import type { SessionStore } from "@latchkey/session";
import { query } from "../../test/servers/postgres.ts";
import type { RefreshToken } from "../../packages/idp/src/store/records.ts";
import type { Store } from "../../packages/idp/src/store/store.ts";
import type { SignInRecord } from "../../packages/session/src/store/store.ts";

const day = 86_400_000;
// SQLite writes what comes in one turn together.
const atOnce = 200;
/** Every family has come so far. */
export const generation = 5;

/** Whose they are, and where. */
export interface Owner {
  readonly tenantId: string;
  readonly applicationId: string;
  readonly userId: string;
}

/**
 * Writes so many families. They began and were last used a while ago, so that no grace is left. `postgres` is the address of the database
 * where it is one: there each sign-in would wait for the disk by itself, so that all but the first are copies of it.
 */
export async function writeFamilies(
  store: Store,
  owner: Owner,
  size: number,
  postgres: string | null,
): Promise<RefreshToken[]> {
  const registration = await store.registrations.find(owner.userId, owner.applicationId);
  const user = await store.users.find(owner.userId);
  if (registration === null || user === null) throw new Error("Nobody is registered");
  const begun = Date.now() - 3 * day;
  const first = family(owner, begun);
  const families = Array.from({ length: postgres === null ? size - 1 : 0 }, (_, index) =>
    family(owner, begun + 1 + index),
  );
  await portions([first, ...families], async (refreshToken) => {
    const { credentialVersion } = user;
    const signIn = { ...owner, credentialVersion, registrationId: registration.id, refreshToken };
    if ((await store.refreshTokens.signIn(signIn)) === null) throw new Error("A family was not taken");
  });
  return [first, ...(postgres === null ? families : await copies(postgres, first, size - 1))];
}

async function copies(postgres: string, first: RefreshToken, count: number): Promise<RefreshToken[]> {
  const kept = `tenant_id, application_id, user_id, secret, key_id, generation, rotated, expires, ends,
    revoked, revoked_reason, meta_data, accessed_address, accessed, sweep_at`;
  const rows = await query(
    postgres,
    `INSERT INTO refresh_tokens (id, started, ${kept})
     SELECT gen_random_uuid()::text, started + number, ${kept} FROM refresh_tokens, generate_series(1, ${count}) AS number
     WHERE id = '${first.id}' RETURNING id, started`,
  );
  return rows.map((row) => ({ ...first, id: String(row["id"]), startInstant: Number(row["started"]) }));
}

function family(owner: Owner, startInstant: number): RefreshToken {
  const used = startInstant + day / 2;
  return {
    ...owner,
    id: randomUUID(),
    secret: randomBytes(32),
    keyId: "1",
    generation,
    startInstant,
    rotatedInstant: used,
    expiresInstant: startInstant + 30 * day,
    endsInstant: startInstant + 30 * day,
    revokedInstant: null,
    revokedReason: null,
    metaData: { device: { name: "Firefox on Linux", type: "BROWSER" } },
    lastAccessedAddress: "192.0.2.1",
    lastAccessedInstant: used,
  };
}

/** Writes the sign-in and the session of each of these families. */
export async function writeSignIns(
  store: SessionStore,
  application: string,
  families: readonly RefreshToken[],
): Promise<void> {
  await portions(families, async (refreshToken) => {
    const signIn = signInOf(application, refreshToken);
    await store.insertSignIn(signIn);
    const { user, authenticatedAt, absoluteExpiresAt, current: hash, id: signInId } = signIn;
    const session = {
      hash,
      signInId,
      user,
      authenticatedAt,
      absoluteExpiresAt,
      questionedAt: 0,
      presented: true,
    };
    await store.insertSession({ ...session, vouchedAt: Date.now(), expiresAt: Date.now() + day / 48 });
  });
}

function signInOf(application: string, { id, userId, startInstant }: RefreshToken): SignInRecord {
  const user = {
    id: userId,
    email: `${userId.slice(0, 8)}@example.com`,
    fullName: "Ada Lovelace",
    roles: ["customer"],
  };
  return {
    id,
    version: 0,
    application,
    user,
    device: { name: "Firefox on Linux", address: "192.0.2.1" },
    authenticatedAt: startInstant,
    absoluteExpiresAt: startInstant + 30 * day,
    remembered: true,
    current: randomBytes(32).toString("base64url"),
    previous: randomBytes(32).toString("base64url"),
    attempt: 0,
    renewedAt: startInstant + day / 2,
    mintedAt: startInstant + day / 2,
    mintedFor: "192.0.2.1",
    presentedAt: startInstant + day / 2,
    ended: null,
    revocationOwed: false,
  };
}

async function portions<Each>(all: readonly Each[], write: (each: Each) => Promise<void>): Promise<void> {
  for (let from = 0; from < all.length; from += atOnce)
    await Promise.all(all.slice(from, from + atOnce).map(write));
}
