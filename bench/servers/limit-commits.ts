// One commit for all that a turn of the event loop writes, as Latchkey has it, without all that Latchkey's has to be ready for.
import type { DatabaseSync } from "node:sqlite";

/** What a turn of the event loop writes is one commit; each waits for it. */
export function commitsOf(database: DatabaseSync): (write: () => void) => Promise<void> {
  const [begin, commit] = [database.prepare("BEGIN"), database.prepare("COMMIT")];
  let waiting: { write: () => void; written: () => void }[] = [];
  const end = () => {
    const writes = waiting;
    waiting = [];
    begin.run();
    for (const { write } of writes) write();
    commit.run();
    for (const { written } of writes) written();
  };
  return (write) =>
    new Promise((written) => {
      if (waiting.push({ write, written }) === 1) setImmediate(end);
    });
}
