// One commit for all that is written until a turn of the event loop brings no more, as Latchkey has it, without all that Latchkey's has to be ready for.
import type { DatabaseSync } from "node:sqlite";

/** What comes together is one commit; each waits for it. */
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
  const endWhenQuiet = (before: number, turns: number): unknown =>
    setImmediate(() =>
      waiting.length === before || turns === 4 ? end() : endWhenQuiet(waiting.length, turns + 1),
    );
  return (write) =>
    new Promise((written) => {
      if (waiting.push({ write, written }) === 1) endWhenQuiet(0, 1);
    });
}
