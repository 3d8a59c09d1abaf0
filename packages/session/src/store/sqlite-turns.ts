/**
 * One commit per turn of the event loop: writes wait until the turn ends, then all of them go into one transaction, and each is answered
 * after its COMMIT. So many requests share one flush to the disk, and none is told "done" before it is true. No transaction that writes
 * is open while anybody else runs: other processes wait for no event loop of ours.
 *
 * Look-ups of one turn may share a snapshot, as taking one costs more than the look-up. A request that was sent after somebody else's
 * commit was answered is read in a later turn, and sees it; what this process commits ends its snapshots, those of other stores too.
 */
import type { DatabaseSync } from "node:sqlite";

/** Where a write must be when it is answered: on the disk (FULL), or where the process being killed does no harm (NORMAL). */
export type Durability = "FULL" | "NORMAL";

/** The writes to one database; nobody else may write over the same connection. */
export interface Turns {
  /**
   * Runs one statement with the others of this turn, and `committed` with its result as soon as that is committed, before anybody can
   * read. A statement that fails rejects alone; a transaction that fails rejects all of its writes, and none of them has happened.
   */
  write<T>(durability: Durability, statement: () => T, committed?: (result: T) => void): Promise<T>;
  /** Looks something up as it was when this turn first looked, or later. */
  look<T>(statement: () => T): T;
  /** Reads what is committed at this moment, and nothing else. */
  read<T>(statement: () => T): T;
  /** Runs statements at once, in a transaction of their own; throws what they throw, and then none has happened. */
  atOnce(durability: Durability, statements: () => void): void;
  /** Ends the turn: what waits is committed. */
  end(): void;
}

/** What one turn writes at most, so that a storm of writes holds up nobody for long; the rest is the next turn's. */
const mostAtOnce = 500;

/** A write that waits. */
interface Waiting {
  readonly durability: Durability;
  /** Throws only if its failure was the end of the transaction. */
  run(): void;
  answer(): void;
  fail(error: unknown): void;
}

/** How often anything was committed in this process: several stores may have one file. */
let commits = 0;

/** The turns of one connection, on which nothing is open. */
export function turnsOf(database: DatabaseSync): Turns {
  let waiting: Waiting[] = [];
  let synchronous: Durability | null = null;

  const [begin, commit] = [database.prepare("BEGIN"), database.prepare("COMMIT")];
  let snapshot: { readonly commits: number } | null = null;

  const endSnapshot = (): void => {
    if (snapshot === null) return;
    snapshot = null;
    try {
      if (database.isOpen && database.isTransaction) commit.run();
    } catch {
      // Nobody waits for it; whoever begins the next transaction rolls this one back.
    }
  };
  const rollBackWhatIsOwed = (): void => {
    if (database.isTransaction) database.exec("ROLLBACK");
  };
  const look = <T>(statement: () => T): T => {
    if (snapshot?.commits !== commits) endSnapshot();
    if (snapshot === null) {
      rollBackWhatIsOwed();
      begin.run();
      snapshot = { commits };
      setImmediate(endSnapshot);
    }
    return statement();
  };
  const read = <T>(statement: () => T): T => {
    endSnapshot();
    return statement();
  };
  const atOnce = (durability: Durability, statements: () => void): void => {
    endSnapshot();
    // Only if a ROLLBACK failed: it is owed before anything new.
    rollBackWhatIsOwed();
    if (synchronous !== durability) database.exec(`PRAGMA synchronous = ${durability}`);
    synchronous = durability;
    database.exec("BEGIN IMMEDIATE");
    try {
      statements();
      database.exec("COMMIT");
      commits++;
    } catch (error) {
      // An open transaction would refuse every later one.
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  };

  const end = (): void => {
    const writes = waiting;
    if (writes.length === 0) return;
    waiting = writes.splice(mostAtOnce);
    if (waiting.length > 0) setImmediate(end);
    try {
      atOnce(writes.some(({ durability }) => durability === "FULL") ? "FULL" : "NORMAL", () => {
        for (const write of writes) write.run();
      });
    } catch (error) {
      for (const write of writes) write.fail(error);
      return;
    }
    for (const write of writes) write.answer();
  };

  return {
    write: (durability, statement, committed) =>
      new Promise((resolve, reject) => {
        let answer = () => {};
        const run = () => {
          try {
            const result = statement();
            answer = () => {
              committed?.(result);
              resolve(result);
            };
          } catch (error) {
            // SQLite undoes a statement that fails, and now and then (disk full, I/O error) the whole transaction with it.
            if (!database.isTransaction) throw error;
            answer = () => reject(error);
          }
        };
        if (waiting.push({ durability, run, answer: () => answer(), fail: reject }) === 1) setImmediate(end);
      }),
    look,
    read,
    atOnce,
    end() {
      endSnapshot();
      while (waiting.length > 0) end();
    },
  };
}
