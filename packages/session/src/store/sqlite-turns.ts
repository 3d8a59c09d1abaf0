/**
 * One commit per turn of the event loop: writes wait until the turn ends, then all of them go into one transaction, and each is answered
 * after its COMMIT. So many requests share one flush to the disk, and none is told "done" before it is true. No transaction that writes
 * is open while anybody else runs: other processes wait for no event loop of ours.
 */
import type { DatabaseSync } from "node:sqlite";
import { lookUpsOf, rollBackWhatIsOwed } from "./sqlite-look-ups.ts";

/** Where a write must be when it is answered: on the disk (FULL), or where the process being killed does no harm (NORMAL). */
export type Durability = "FULL" | "NORMAL";

/** The writes to one database; nobody else may write over the same connection. */
export interface Turns {
  /**
   * Runs one statement with the others of this turn, and `committed` with its result as soon as that is committed, before anybody can
   * read. A statement that fails rejects alone; a transaction that fails rejects all of its writes, and none of them has happened.
   */
  write<T>(durability: Durability, statement: () => T, committed?: (result: T) => void): Promise<T>;
  /** Looks something up with the others of this turn (sqlite-look-ups.ts). */
  look<T>(statement: () => T): Promise<T>;
  /** Runs statements at once, in a transaction of their own; throws what they throw, and then none has happened. */
  atOnce(durability: Durability, statements: () => void): void;
  /** Ends the turn: what waits is looked up and committed. */
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

/** The turns of one connection, on which nothing is open. */
export function turnsOf(database: DatabaseSync): Turns {
  let waiting: Waiting[] = [];
  let synchronous: Durability | null = null;

  const lookUps = lookUpsOf(database);

  const atOnce = (durability: Durability, statements: () => void): void => {
    rollBackWhatIsOwed(database);
    if (synchronous !== durability) database.exec(`PRAGMA synchronous = ${durability}`);
    synchronous = durability;
    transact(database, statements);
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
    look: lookUps.look,
    atOnce,
    end() {
      lookUps.end();
      while (waiting.length > 0) end();
    },
  };
}

function transact(database: DatabaseSync, statements: () => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    statements();
    database.exec("COMMIT");
  } catch (error) {
    // An open transaction would refuse every later one.
    rollBackWhatIsOwed(database);
    throw error;
  }
}
