// What is SQLite's alone: commits that many share, and what a failing write, commit or rollback undoes.
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as turnOver } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { filled, id, signedIn } from "../src/store/conformance/records.ts";
import { openStore } from "../src/store/open.ts";
import { createTurn, type Turn } from "../src/store/sqlite/turn.ts";
import { databaseFile } from "./idp.ts";

function tables(file: string): { turn: Turn; db: DatabaseSync; reader: DatabaseSync } {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT");
  const reader = new DatabaseSync(file, { readOnly: true });
  return { turn: createTurn(db), db, reader };
}

const insert = (turn: Turn, name: string): Promise<void> =>
  turn.write(() => void turn.sql("INSERT INTO t (name) VALUES (?)").run(name));
const names = (db: DatabaseSync): unknown[] =>
  db
    .prepare("SELECT name FROM t ORDER BY id")
    .all()
    .map((row) => row["name"]);

test("all writes of a turn are one commit, and none is answered before it", async () => {
  const { turn, reader } = tables(databaseFile());
  const seen: unknown[][] = [];
  const writes = ["a", "b", "c"].map((name) => insert(turn, name).then(() => seen.push(names(reader))));
  expect(names(reader)).toEqual([]);
  await Promise.all(writes);
  expect(seen).toEqual([
    ["a", "b", "c"],
    ["a", "b", "c"],
    ["a", "b", "c"],
  ]);
  await turn.close();
  reader.close();
});

test.each([
  { what: "of four at most", milliseconds: 0, expected: [4, 4, 4, 4, 8, 8, 8, 8, 10, 10] },
  {
    what: "where a turn takes 3 ms of two, for no longer than 5",
    milliseconds: 3,
    expected: [2, 2, 4, 4, 6, 6, 8, 8, 10, 10],
  },
])("writes of the turns right after share the commit, $what", async ({ milliseconds, expected }) => {
  let now = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  try {
    const { turn, reader } = tables(databaseFile());
    const seen: Promise<number>[] = [];
    for (const name of ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]) {
      seen.push(insert(turn, name).then(() => names(reader).length));
      now += milliseconds;
      await turnOver();
    }
    expect(await Promise.all(seen)).toEqual(expected);
    await turn.close();
    reader.close();
  } finally {
    clock.mockRestore();
  }
});

test("a failing write undoes only itself", async () => {
  const { turn, reader } = tables(databaseFile());
  const results = await Promise.allSettled([
    insert(turn, "a"),
    turn.write(() => {
      turn.sql("INSERT INTO t (name) VALUES (?)").run("half");
      turn.sql("INSERT INTO t (name) VALUES (?)").run("a");
    }),
    insert(turn, "b"),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(names(reader)).toEqual(["a", "b"]);
  await turn.close();
  reader.close();
});

test("when the commit fails, every writer and reader of the turn hears of it and nothing is stored", async () => {
  const { turn, db, reader } = tables(databaseFile());
  db.exec(
    "PRAGMA foreign_keys = ON; CREATE TABLE child (of INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED) STRICT",
  );
  const results = await Promise.allSettled([
    insert(turn, "a"),
    // Found out at COMMIT only.
    turn.write(() => void turn.sql("INSERT INTO child VALUES (999)").run()),
    turn.read(() => names(db)),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(names(reader)).toEqual([]);
  await insert(turn, "later");
  expect(names(reader)).toEqual(["later"]);
  await turn.close();
  reader.close();
});

test("a read of another refresh token than those that a turn changes does not wait for its commit; every other read does", async () => {
  const { turn, db, reader } = tables(databaseFile());
  const set = (name: string): Promise<void> =>
    turn.write(() => void turn.sql("INSERT INTO t (name) VALUES (?)").run(name), name);
  const order: string[] = [];
  const noted = (what: string, done: Promise<unknown>): Promise<unknown> => done.then(() => order.push(what));
  const read = (family?: string): Promise<unknown> => turn.read(() => names(db), family);

  await Promise.all([
    noted("written", set("a")),
    noted("the same", read("a")),
    noted("any", read()),
    // Who needed not wait is in time to write with the others.
    noted("another", read("b")).then(() => noted("written with them", set("b"))),
  ]);
  expect(order[0]).toBe("another");
  expect(order.slice(1).toSorted()).toEqual(["any", "the same", "written", "written with them"]);

  // A write that does not say what it changes may have changed what anything rests on.
  order.length = 0;
  await Promise.all([
    noted("written", set("c")),
    noted("whatever", insert(turn, "d")),
    noted("another", read("e")),
  ]);
  expect(order.at(-1)).toBe("another");
  expect(names(reader)).toEqual(["a", "b", "c", "d"]);
  await turn.close();
  reader.close();
});

test("where the commit fails, who read what was changed hears of it, and a refresh of another family does not", async () => {
  const { turn, db, reader } = tables(databaseFile());
  db.exec(
    "PRAGMA foreign_keys = ON; CREATE TABLE child (of INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED) STRICT",
  );
  const results = await Promise.allSettled([
    turn.write(() => void turn.sql("INSERT INTO child VALUES (999)").run(), "a"),
    turn.read(() => "a", "a"),
    turn.read(() => "b", "b"),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  await turn.close();
  reader.close();
});

test("that something exists already is told only when the turn that saw it is on disk", async () => {
  const { turn, db, reader } = tables(databaseFile());
  db.exec(
    "PRAGMA foreign_keys = ON; CREATE TABLE child (of INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED) STRICT",
  );
  const results = await Promise.allSettled([
    insert(turn, "a"),
    insert(turn, "a"),
    turn.write(() => void turn.sql("INSERT INTO child VALUES (999)").run()),
  ]);
  const unavailable = { status: "rejected", reason: { code: "store-unavailable" } };
  expect(results).toMatchObject([unavailable, unavailable, unavailable]);
  expect(names(reader)).toEqual([]);
  await turn.close();
  reader.close();
});

test("where SQLite gives the transaction up meanwhile, its writers hear of it, and the next one does not join them", async () => {
  const { turn, db, reader } = tables(databaseFile());
  const lost = insert(turn, "lost");
  // As a SELECT that meets an I/O error does.
  db.exec("ROLLBACK");
  const results = await Promise.allSettled([lost, insert(turn, "later")]);
  expect(results).toMatchObject([
    { status: "rejected", reason: { code: "store-unavailable" } },
    { status: "fulfilled" },
  ]);
  expect(names(reader)).toEqual(["later"]);
  await turn.close();
  reader.close();
});

test("a file from before the sweep had its own index is brought up to date; earlier code goes on with it", async () => {
  const file = databaseFile();
  const at = Date.now();
  const open = () => openStore(file, () => at, { uuid: randomUUID, mails: false });
  const first = await open();
  await filled(first);
  for (const number of [10, 11, 12, 13]) await signedIn(first, number, at);
  await first.close();
  const db = new DatabaseSync(file);
  db.exec(
    `DROP INDEX refresh_tokens_to_sweep; ALTER TABLE refresh_tokens DROP COLUMN sweep_at;
     CREATE INDEX refresh_tokens_by_end ON refresh_tokens (ends); PRAGMA user_version = 6`,
  );
  const end = db.prepare("UPDATE refresh_tokens SET ends = ? WHERE id = ?");
  end.run(at, id(10));
  const columns = db.prepare("SELECT name FROM pragma_table_info('refresh_tokens')").all();
  const known = columns.map(({ name }) => name).join(", ");

  const store = await open();
  end.run(at, id(11));
  // Earlier code's.
  db.exec(
    `CREATE TEMP TABLE one AS SELECT ${known} FROM refresh_tokens WHERE id = '${id(11)}'; UPDATE one SET id = '${id(14)}';
     INSERT INTO refresh_tokens (${known}) SELECT ${known} FROM one`,
  );
  expect(await store.refreshTokens.sweep(2)).toBe(2);
  expect(await store.refreshTokens.sweep(10)).toBe(1);
  const left = db.prepare("SELECT id, ends = sweep_at AS looked FROM refresh_tokens ORDER BY id").all();
  expect(left.map((row) => ({ ...row }))).toEqual([
    { id: id(12), looked: 1 },
    { id: id(13), looked: 1 },
  ]);
  db.close();
  await store.close();
});

test("a rollback that fails too ends neither the process nor the store", async () => {
  // The disk as it is when it fails: COMMIT and the ROLLBACK after it are refused.
  class FailingDisk extends DatabaseSync {
    refuses = new Set<string>();
    override exec(sql: string): void {
      if (this.refuses.delete(sql)) throw new Error(`disk I/O error at ${sql}`);
      super.exec(sql);
    }
  }
  const db = new FailingDisk(databaseFile());
  db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT");
  const turn = createTurn(db);
  db.refuses = new Set(["COMMIT", "ROLLBACK"]);
  await expect(insert(turn, "lost")).rejects.toMatchObject({ code: "store-unavailable" });
  await insert(turn, "later");
  expect(names(db)).toEqual(["later"]);
  await turn.close();
});

test("a locked database is StoreUnavailableError, and works again afterwards", async () => {
  const file = databaseFile();
  const { turn, reader } = tables(file);
  const other = new DatabaseSync(file);
  other.exec("BEGIN IMMEDIATE");
  await expect(insert(turn, "a")).rejects.toMatchObject({ code: "store-unavailable" });
  other.exec("ROLLBACK");
  await insert(turn, "b");
  expect(names(reader)).toEqual(["b"]);
  other.close();
  await turn.close();
  reader.close();
  await expect(insert(turn, "c")).rejects.toMatchObject({ code: "store-unavailable" });
});
