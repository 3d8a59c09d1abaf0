/**
 * Idle limits that wait in memory and are written together, one transaction every `flushEvery` milliseconds: extending a
 * session is no write of its own. Update-only, so that none revives a deleted session.
 */
import type { DatabaseSync } from "node:sqlite";

/** Whoever holds the file may do so for long, and each try waits for the lock while nothing else runs. */
const waitAfterFailure = 5_000;

/** Extensions that are not written yet. */
export interface Extensions {
  /** The idle limit of a session that is not written yet. */
  get(hash: string): number | undefined;
  set(hash: string, expiresAt: number): void;
  forget(hash: string): void;
  flush(): void;
}

/** Nothing waits yet; what `flush` throws is the database's error, and nothing is lost by it. */
export function coalescedExtensions(database: DatabaseSync, flushEvery: number): Extensions {
  const waiting = new Map<string, number>();
  const extend = database.prepare("UPDATE sessions SET expires_at = ? WHERE hash = ? AND expires_at < ?");
  let timer: NodeJS.Timeout | null = null;

  const flush = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (waiting.size === 0) return;
    database.exec("BEGIN IMMEDIATE");
    try {
      for (const [hash, expiresAt] of waiting) extend.run(expiresAt, hash, expiresAt);
      database.exec("COMMIT");
    } catch (error) {
      // An open transaction would refuse every later one.
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
    waiting.clear();
  };
  const flushLater = (delay = flushEvery) => {
    timer ??= setTimeout(flushOrWait, delay).unref();
  };
  const flushOrWait = () => {
    try {
      flush();
    } catch {
      // No request waits for this one; thrown from a timer it would end the process. The next flush makes up for it.
      flushLater(waitAfterFailure);
    }
  };
  return {
    get: (hash) => waiting.get(hash),
    set(hash, expiresAt) {
      waiting.set(hash, expiresAt);
      flushLater();
    },
    forget: (hash) => void waiting.delete(hash),
    flush,
  };
}
