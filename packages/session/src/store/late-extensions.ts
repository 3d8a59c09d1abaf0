/**
 * Idle limits that wait in memory and are written together every `flushEvery` milliseconds: extending a session is no write of its
 * own. Knows nothing of how they are written; whoever writes them updates only, and only forwards, so that none revives a session.
 */
import type { SessionRecord } from "./store.ts";

/** What is written at once may be big, but not endless: a batch is one statement or one transaction. */
const mostAtOnce = 5_000;

/** Milliseconds for which another node, or process, may hold back an extension: what is over by less is not swept. */
export const mostLate = 60_000;

/** Extensions that are not written yet. */
export interface LateExtensions {
  /** The idle limit of a session that waits to be written; 0 where none does. */
  get(hash: string): number;
  /** Notes a later idle limit; an earlier one than the noted changes nothing. */
  set(hash: string, expiresAt: number): void;
  forget(hash: string): void;
  /** Writes all that wait; rejects as `write` does, and then nothing is lost. */
  flush(): Promise<void>;
  /** Forgets what still waits, and writes no more. */
  stop(): void;
}

/** What writes a batch: extends sessions that are still there, forwards, never past their absolute limit. */
export type WriteExtensions = (batch: ReadonlyMap<string, number>) => void | Promise<void>;

/** How extensions are written. */
export interface Writing {
  /** Milliseconds an extension waits. */
  readonly flushEvery: number;
  /** Milliseconds until the next try after one that failed: each may cost the store's whole patience. */
  readonly retryAfter: number;
  readonly write: WriteExtensions;
}

/** Nothing waits yet. Throws a TypeError for an interval that is none. */
export function lateExtensions({ flushEvery, retryAfter, write }: Writing): LateExtensions {
  if (!(flushEvery >= 0)) throw new TypeError('"flushEvery" must be milliseconds, 0 or more');
  const waiting = new Map<string, number>();
  let timer: NodeJS.Timeout | null = null;
  let flight: Promise<void> | null = null;

  const writeWaiting = async () => {
    const entries = [...waiting];
    for (let from = 0; from < entries.length; from += mostAtOnce) {
      const batch = new Map(entries.slice(from, from + mostAtOnce));
      await write(batch);
      // What was extended again while that was under way still waits.
      for (const [hash, expiresAt] of batch) if (waiting.get(hash) === expiresAt) waiting.delete(hash);
    }
  };
  const fly = async () => {
    let delay = retryAfter;
    try {
      await writeWaiting();
      delay = flushEvery;
    } finally {
      flight = null;
      if (waiting.size > 0) flushAfter(delay);
    }
  };
  // One flight after the other: two updates of many rows at once could each wait for the other's.
  const flush = async (): Promise<void> => {
    if (flight !== null) {
      await flight.catch(() => {});
      return flush();
    }
    land();
    flight = fly();
    await flight;
  };
  const flushAfter = (delay: number) => {
    // No request waits for this one; a rejection nobody hears would end the process. The next flush makes up for it.
    timer ??= setTimeout(() => void flush().catch(() => {}), delay).unref();
  };
  const land = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  return {
    get: (hash) => waiting.get(hash) ?? 0,
    set(hash, expiresAt) {
      if ((waiting.get(hash) ?? 0) >= expiresAt) return;
      waiting.set(hash, expiresAt);
      if (flight === null) flushAfter(flushEvery);
    },
    forget: (hash) => void waiting.delete(hash),
    flush,
    stop() {
      land();
      waiting.clear();
    },
  };
}

/**
 * When a session is over whose limit is moved to `to`, if that is later. One that waited may be meant for a session that was here before:
 * it counts no further than this one may go.
 */
export function limitOf({ expiresAt, absoluteExpiresAt }: SessionRecord, to: number): number {
  return Math.max(expiresAt, Math.min(to, absoluteExpiresAt));
}

/** A session with its limit moved like that; `null` where there is none, or it has expired at `now`. */
export function asExtended(session: SessionRecord | null, to: number, now: number): SessionRecord | null {
  if (session === null) return null;
  const expiresAt = limitOf(session, to);
  return expiresAt <= now ? null : { ...session, expiresAt };
}
