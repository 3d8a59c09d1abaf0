/**
 * Look-ups of one turn of the event loop, all at its end and in one snapshot: taking a snapshot costs more than a look-up, and pages
 * that are answered in one burst cost less than the same pages one by one (docs/performance.md). Nothing stays open between turns, so
 * each look-up sees whatever was committed before it was asked for, by whomever.
 */
import type { DatabaseSync } from "node:sqlite";

/** The look-ups over one connection; they read, and wait for nobody's lock. */
export interface LookUps {
  /** Runs a statement that reads, and what goes with it, when the turn ends; rejects with what it throws, and no other one does. */
  look<T>(statement: () => T): Promise<T>;
  /** Ends the turn: what waits is looked up. Never throws. */
  end(): void;
}

/** A look-up that waits. */
interface Waiting {
  readonly statement: () => unknown;
  readonly resolve: (found: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** No look-up yet, over a connection on which nothing is open. */
export function lookUpsOf(database: DatabaseSync): LookUps {
  // Nothing is written in between, so that either ends it; a COMMIT that failed would leave it open, and what is read next old.
  const [begin, rollback] = [database.prepare("BEGIN"), database.prepare("ROLLBACK")];
  let waiting: Waiting[] = [];

  const end = (): void => {
    const lookUps = waiting;
    if (lookUps.length === 0) return;
    waiting = [];
    // One statement is a snapshot by itself.
    const isShared = lookUps.length > 1;
    try {
      rollBackWhatIsOwed(database);
      if (isShared) begin.run();
    } catch (error) {
      for (const { reject } of lookUps) reject(error);
      return;
    }
    for (const lookUp of lookUps) run(lookUp);
    try {
      if (isShared && database.isTransaction) rollback.run();
    } catch {
      // Nobody waits for it; whoever begins the next transaction tries again.
    }
  };
  return {
    look: (statement) =>
      new Promise<unknown>((resolve, reject) => {
        if (waiting.push({ statement, resolve, reject }) === 1) setImmediate(end);
      }) as Promise<ReturnType<typeof statement>>,
    end,
  };
}

function run({ statement, resolve, reject }: Waiting): void {
  try {
    resolve(statement());
  } catch (error) {
    reject(error);
  }
}

/** Ends a transaction whose own end has failed; there is none otherwise. */
export function rollBackWhatIsOwed(database: DatabaseSync): void {
  if (database.isTransaction) database.exec("ROLLBACK");
}
