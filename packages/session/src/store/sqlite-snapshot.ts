/**
 * A snapshot for the look-ups of one turn of the event loop, as taking one costs more than the look-up. A request that was sent after
 * somebody else's commit was answered is read in a later turn, and sees it. What this process commits ends its snapshots at once, those
 * of other stores on the same file too: within a process one request may answer another in the same turn.
 */
import type { DatabaseSync } from "node:sqlite";

/** The snapshot of one connection; it reads, and never waits for anybody. */
export interface Snapshot {
  /** Looks something up as it was when this turn first looked, or later. */
  look<T>(statement: () => T): T;
  /** Ends it; never throws. */
  end(): void;
}

/** How often anything was committed in this process. */
let commits = 0;

/** To be said after each commit. */
export function noteCommit(): void {
  commits++;
}

/** No snapshot yet, over a connection on which nothing is open. */
export function snapshotOf(database: DatabaseSync): Snapshot {
  const [begin, commit] = [database.prepare("BEGIN"), database.prepare("COMMIT")];
  let takenAt: number | null = null;

  const end = (): void => {
    if (takenAt === null) return;
    takenAt = null;
    try {
      if (database.isOpen && database.isTransaction) commit.run();
    } catch {
      // Nobody waits for it; whoever begins the next transaction rolls this one back.
    }
  };
  return {
    look(statement) {
      if (takenAt !== commits) end();
      if (takenAt === null) {
        rollBackWhatIsOwed(database);
        begin.run();
        takenAt = commits;
        setImmediate(end);
      }
      return statement();
    },
    end,
  };
}

/** Ends a transaction whose own end has failed; there is none otherwise. */
export function rollBackWhatIsOwed(database: DatabaseSync): void {
  if (database.isTransaction) database.exec("ROLLBACK");
}
