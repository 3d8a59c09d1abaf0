/**
 * Which sign-ins live, of each user and of all, and which owe their revocation. An index only proposes: whoever reads one looks at
 * the record too. It lies in other slots of a Cluster than the records, so no step changes both; instead the order of the steps
 * keeps it from ever missing a live or an owing sign-in, whoever crashes where:
 *
 * - An entry is made **before** its record says live, or owed. A crash between the two leaves an entry too many.
 * - An entry of the living goes when its record **has ended**, or its limit has passed. Both are final, so nobody can be about to
 *   need it. That a record is absent is no reason: it may be about to be written (a new sign-in, one rebuilt after Redis lost it).
 * - What was paid can be owed again (sign-out, then sign-out everywhere). So an entry of the owing carries the version of the
 *   record that owes; it goes only by a version that is paid and not older. Version 5 paid, late, can't strike what version 6 owes.
 * - An entry names its limit, so that it can go by itself. A record with another limit has another entry.
 *
 * What loses entries without their records (eviction, a crash of Redis that kept the one write and not the other) is made good by
 * the sign-in's next update: a renewal at the latest.
 */
import { crc32 } from "node:zlib";
import type { RedisConnection } from "./redis-connection.ts";
import { enter, strike, trim } from "./redis-scripts.ts";
import type { LiveSignIns, SignInRecord } from "./store.ts";

/** Over how many keys all living sign-ins are spread, so that none is hot, or too big to trim. It can't be changed later. */
const buckets = 16;

/** Entries that one step of trimming looks at, in each key. */
const trimmed = 1_000;

/** Milliseconds that records and entries outlast their limit, as clocks differ: none may take what lives, or forget an ending. */
export const grace = 3_600_000;

/** Some entries, in order, and where the next ones begin; `null` at the end. */
export interface Portion {
  readonly entries: readonly string[];
  readonly next: string | null;
}

/** The indexes of one application. */
export interface SignInIndex {
  /** Before the record is written: makes the entries it needs. */
  expect(next: SignInRecord): Promise<void>;
  /**
   * After the record was written, or was read: takes the entries it has done with. Never rejects: what is left over is taken by whoever
   * comes upon it next.
   */
  dismiss(written: SignInRecord): Promise<void>;
  /** Where a listing of the living begins. */
  begin(after: LiveSignIns["after"]): string;
  /** Entries of the living, by authenticatedAt and then id: at most `count`. Fewer does not mean the end. */
  living(userId: string | null, from: string, count: number): Promise<Portion>;
  /** Some entries of the owing, and where to go on, "0" at the end: all that stay throughout come at least once. */
  owing(
    cursor: string,
    count: number,
  ): Promise<{ readonly entries: readonly string[]; readonly next: string }>;
  /** Takes a portion of the entries that are over; goes on from there next time. */
  trim(now: number): Promise<void>;
}

/** The indexes whose keys start with `prefix`. */
export function signInIndex(redis: RedisConnection, prefix: string): SignInIndex {
  const ofUser = (userId: string) => `${prefix}u:${userId}`;
  const ofAll = Array.from({ length: buckets }, (_, bucket) => `${prefix}l:${bucket}`);
  const bucketOf = (id: string) => `${prefix}l:${crc32(id) % buckets}`;
  const owingKey = `${prefix}o`;
  const ranks = new Map<string, number>();

  const add = (key: string, entry: string, score: number, { absoluteExpiresAt, renewedAt }: SignInRecord) =>
    redis.run(enter, key, entry, score, absoluteExpiresAt + grace, over(renewedAt));
  const range = async (key: string, from: string, count: number) =>
    texts(await redis.ask("zrange", key, from, "+", "bylex", "limit", 0, count));

  return {
    async expect(next) {
      const entry = entryOf(next);
      const steps: Promise<unknown>[] = [];
      if (next.ended === null)
        for (const key of [ofUser(next.user.id), bucketOf(next.id)]) steps.push(add(key, entry, 0, next));
      if (next.revocationOwed) steps.push(add(owingKey, entry, next.version, next));
      await Promise.all(steps);
    },

    async dismiss(written) {
      if (written.ended === null) return;
      const entry = entryOf(written);
      const steps = [ofUser(written.user.id), bucketOf(written.id)].map((key) =>
        redis.ask("zrem", key, entry),
      );
      if (!written.revocationOwed) steps.push(redis.run(strike, owingKey, entry, written.version));
      await Promise.allSettled(steps);
    },

    begin: (after) => (after === null ? "-" : `(${start(after)}:`),

    async living(userId, from, count) {
      const keys = userId === null ? ofAll : [ofUser(userId)];
      const each = keys.length === 1 ? count : 2 * Math.ceil(count / keys.length) + 2;
      return merged(await Promise.all(keys.map((key) => range(key, from, each))), each, count);
    },

    async owing(cursor, count) {
      const answer = await redis.ask("zscan", owingKey, cursor, "count", count);
      const [next, list] = Array.isArray(answer) ? answer : ["0", []];
      // Each entry is followed by its score.
      const entries = texts(list).filter((_, place) => place % 2 === 0);
      return { entries, next: String(next) };
    },

    async trim(now) {
      const step = async (key: string) => {
        ranks.set(key, Number(await redis.run(trim, key, ranks.get(key) ?? 0, trimmed, over(now))));
      };
      await Promise.all([owingKey, ...ofAll].map(step));
    },
  };
}

/** The first `count` of what stands in lists that were each asked for `each` entries, in one order. */
function merged(lists: readonly (readonly string[])[], each: number, count: number): Portion {
  // A list that was cut short says nothing of what comes after its last entry.
  const ends = lists.filter((list) => list.length === each).map((list) => list.at(-1) ?? "");
  const end = ends.length === 0 ? null : ends.reduce((one, other) => (one < other ? one : other));
  const known = lists.flat().filter((entry) => end === null || entry <= end);
  const entries = known.toSorted((one, other) => (one < other ? -1 : 1)).slice(0, count);
  const isAll = end === null && entries.length === known.length;
  return { entries, next: isAll ? null : `(${entries.at(-1) ?? ""}` };
}

/**
 * What is listed of a sign-in: where it stands, its id, its limit. Entries in the order of their bytes are in a listing's order. With
 * a UUID for an id they are 61 bytes long: beyond 64, Redis would keep each user's list in four times the memory.
 */
export function entryOf(signIn: SignInRecord): string {
  return `${start(signIn)}${Math.ceil(signIn.absoluteExpiresAt / 1_000)}`;
}

/** The id an entry names. */
export function idOf(entry: string): string {
  return decodeURIComponent(entry.slice(digits + 1, entry.lastIndexOf(" ")));
}

/** Those of epoch milliseconds until the year 2286. */
const digits = 13;

// Escaped, an id has no space and no character that Redis and JavaScript would put in a different order.
function start({ authenticatedAt, id }: Pick<SignInRecord, "authenticatedAt" | "id">): string {
  return `${String(authenticatedAt).padStart(digits, "0")} ${encodeURIComponent(id.toWellFormed())} `;
}

/** The limit, in seconds, of what has been over for so long that no node can take it for alive. */
function over(now: number): number {
  return Math.floor((now - grace) / 1_000);
}

function texts(answer: unknown): string[] {
  return Array.isArray(answer) ? answer.filter((each) => typeof each === "string") : [];
}
