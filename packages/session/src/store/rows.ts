/** Records as rows of a table, for stores that speak SQL; what a table holds that is no whole record is malformed, and absent. */
import type { SessionRecord, SignInRecord } from "./store.ts";
import { fromJson, isSessionRecord, isSignInRecord } from "./well-formed.ts";

/** A row by the names of its columns; booleans may be 0 and 1. */
export type Row = Readonly<Record<string, unknown>>;

/** The session of a row; `null` where there is no row, or no whole record in it. */
export function sessionOf(row: Row | undefined): SessionRecord | null {
  if (row === undefined) return null;
  const session = {
    hash: row["hash"],
    signInId: row["sign_in_id"],
    user: fromJson(row["user"]),
    authenticatedAt: row["authenticated_at"],
    vouchedAt: row["vouched_at"],
    questionedAt: row["questioned_at"],
    expiresAt: row["expires_at"],
    absoluteExpiresAt: row["absolute_expires_at"],
    presented: isTrue(row["presented"]),
  };
  return isSessionRecord(session) ? session : null;
}

/** What the columns of a sign-in hold, by the names of the record, flattened. */
export interface SignInRow extends Omit<SignInRecord, "user" | "device" | "ended"> {
  readonly userId: string;
  readonly user: string;
  readonly device: string;
  readonly endedAt: number | null;
  readonly endedReason: string | null;
}

/** A sign-in as its columns hold it. */
export function signInRow({ user, device, ended, ...columns }: SignInRecord): SignInRow {
  return {
    ...columns,
    userId: user.id,
    user: JSON.stringify(user),
    device: JSON.stringify(device),
    endedAt: ended?.at ?? null,
    endedReason: ended?.reason ?? null,
  };
}

/** The sign-in of a row; `null` where there is no row, or no whole record in it. */
export function signInOf(row: Row | undefined): SignInRecord | null {
  if (row === undefined) return null;
  const endedAt = row["ended_at"];
  const signIn = {
    id: row["id"],
    version: row["version"],
    application: row["application"],
    user: fromJson(row["user"]),
    device: fromJson(row["device"]),
    authenticatedAt: row["authenticated_at"],
    absoluteExpiresAt: row["absolute_expires_at"],
    remembered: isTrue(row["remembered"]),
    current: row["current"],
    previous: row["previous"],
    attempt: row["attempt"],
    renewedAt: row["renewed_at"],
    mintedAt: row["minted_at"],
    mintedFor: row["minted_for"],
    presentedAt: row["presented_at"],
    ended: endedAt === null ? null : { at: endedAt, reason: row["ended_reason"] },
    revocationOwed: isTrue(row["revocation_owed"]),
  };
  return isSignInRecord(signIn) ? signIn : null;
}

function isTrue(value: unknown): boolean {
  return value === true || value === 1;
}

/** Where a portion goes on. */
type Place = Pick<SignInRecord, "authenticatedAt" | "id">;

const beforeAll: Place = { authenticatedAt: -1, id: "" };

/** A portion as big as was asked for, if there are so many: a malformed record in it must not make it look like the last. */
export async function filledPortion(
  limit: number,
  after: Place | null,
  rowsAfter: (place: Place, count: number) => readonly Row[] | Promise<readonly Row[]>,
): Promise<readonly SignInRecord[]> {
  const found: SignInRecord[] = [];
  let place = after ?? beforeAll;
  for (;;) {
    const wanted = limit - found.length;
    const rows = await rowsAfter(place, wanted);
    found.push(...rows.map(signInOf).filter((signIn) => signIn !== null));
    const last = rows.at(-1);
    if (last === undefined || rows.length < wanted || found.length === limit) return found;
    place = { authenticatedAt: Number(last["authenticated_at"]), id: String(last["id"]) };
  }
}
