// One commit a turn of the event loop: what shares it, what fails alone, what fails together, and what anybody can see meanwhile.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sqliteStore } from "../src/store/sqlite.ts";
import { type Turns, turnsOf } from "../src/store/sqlite-turns.ts";
import { sessionRecord, signInRecord, start } from "./records.ts";

let folder = "";
let database: DatabaseSync;
let turns: Turns;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "latchkey-"));
  database = new DatabaseSync(join(folder, "turns.sqlite"));
  database.exec(`
    PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;
    CREATE TABLE owners (id INTEGER PRIMARY KEY);
    CREATE TABLE things (
      name TEXT PRIMARY KEY, durable INTEGER, owner INTEGER REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED
    );
    CREATE TRIGGER refused BEFORE INSERT ON things WHEN NEW.name = 'refused' BEGIN SELECT RAISE(ABORT, 'refused'); END;
    CREATE TRIGGER fatal BEFORE INSERT ON things WHEN NEW.name = 'fatal' BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END;
  `);
  turns = turnsOf(database);
});

afterEach(() => {
  vi.restoreAllMocks();
  database.close();
  rmSync(folder, { recursive: true });
});

/** Writes a thing, with the `synchronous` it was written under. */
function write(name: string, durability: "FULL" | "NORMAL" = "NORMAL", owner: number | null = null) {
  return turns.write(durability, () => {
    const { synchronous } = database.prepare("PRAGMA synchronous").get() ?? {};
    const insert = database.prepare("INSERT INTO things VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    return insert.run(name, Number(synchronous), owner).changes;
  });
}

function things(from = database): unknown[] {
  return from
    .prepare("SELECT name FROM things ORDER BY name")
    .all()
    .map(({ name }) => name);
}

function durabilities(): unknown[] {
  return database
    .prepare("SELECT DISTINCT durable FROM things")
    .all()
    .map(({ durable }) => durable);
}

function commits() {
  const exec = vi.spyOn(database, "exec");
  return () => exec.mock.calls.filter(([sql]) => sql === "COMMIT").length;
}

test("what is written in one turn is one commit, on the disk if any of it must be", async () => {
  const committed = commits();
  await Promise.all([write("a"), write("b", "FULL"), write("c")]);
  expect(committed()).toBe(1);
  expect([things(), durabilities()]).toEqual([["a", "b", "c"], [2]]);
});

test("what need not be on the disk does not wait for it, also after something that had to be", async () => {
  await write("a", "FULL");
  database.exec("DELETE FROM things");
  await Promise.all([write("b"), write("c")]);
  expect(durabilities()).toEqual([1]);
});

test("nobody sees a write before it is committed, and everybody after its answer", async () => {
  const other = new DatabaseSync(join(folder, "turns.sqlite"), { readOnly: true });
  const written = write("a");
  await Promise.resolve();
  expect([things(), things(other), database.isTransaction]).toEqual([[], [], false]);
  await written;
  expect([things(), things(other)]).toEqual([["a"], ["a"]]);
  other.close();
});

test("of equal writes in one turn one has happened, and each hears what came of its own", async () => {
  expect(await Promise.all([write("a"), write("a"), write("b")])).toEqual([1, 0, 1]);
});

test("what hangs on a commit is done right behind it, before who waits for any of its writes goes on", async () => {
  const order: string[] = [];
  const noted = (name: string) =>
    turns
      .write(
        "NORMAL",
        () => database.exec(`INSERT INTO things (name) VALUES ('${name}')`),
        () => void order.push(`${name}, ${things().length} committed: ${!database.isTransaction}`),
      )
      .then(() => order.push(`${name} answered`));
  await Promise.all([noted("a"), noted("b")]);
  expect(order).toEqual(["a, 2 committed: true", "b, 2 committed: true", "a answered", "b answered"]);
});

test("a statement that fails takes no other one with it", async () => {
  const outcomes = await Promise.allSettled([write("a"), write("refused"), write("b")]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(things()).toEqual(["a", "b"]);
});

test.each([
  ["a COMMIT that fails", () => write("b", "FULL", 7)],
  ["a failure that ends the transaction", () => write("fatal")],
])(
  "%s is heard of by everybody in it, nothing of it has happened, and the next turn is as good as any",
  async (_, failing) => {
    const committed = vi.fn();
    const outcomes = await Promise.allSettled([
      write("a"),
      turns.write("NORMAL", () => database.exec("INSERT INTO things (name) VALUES ('noted')"), committed),
      failing(),
      write("c"),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected", "rejected"]);
    expect([things(), committed.mock.calls]).toEqual([[], []]);
    expect(await write("d")).toBe(1);
    expect(things()).toEqual(["d"]);
  },
);

test("a file that another process holds rejects the turn, and the next one finds it free", async () => {
  const other = new DatabaseSync(join(folder, "turns.sqlite"));
  other.exec("BEGIN IMMEDIATE");
  await expect(Promise.all([write("a"), write("b")])).rejects.toThrow("locked");
  other.exec("ROLLBACK");
  other.close();
  expect(await write("c")).toBe(1);
  expect(things()).toEqual(["c"]);
});

test("a storm of writes is committed in portions, between which others get their turn", async () => {
  const committed = commits();
  const seen: number[] = [];
  const storm = Array.from({ length: 1_200 }, (_, index) => write(`thing-${index}`));
  for (let turn = 0; turn < 5; turn++) {
    await new Promise(setImmediate);
    seen.push(things().length);
  }
  await Promise.all(storm);
  expect(committed()).toBe(3);
  expect(seen).toContain(500);
});

test("look-ups of one turn are of one moment, and one that fails takes no other with it", async () => {
  await write("a");
  const other = new DatabaseSync(join(folder, "turns.sqlite"));
  const look = () => turns.look(() => things());
  const outcomes = await Promise.allSettled([
    look(),
    turns.look(() => other.exec("INSERT INTO things (name) VALUES ('b')")),
    turns.look(() => database.exec("SELECT * FROM nothing")),
    look(),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  expect(outcomes[3]).toEqual({ status: "fulfilled", value: ["a"] });
  expect([await look(), database.isTransaction]).toEqual([["a", "b"], false]);
  other.close();
});

test("look-ups that can't begin are rejected, all of them, and the next turn is as good as any", async () => {
  const look = () => turns.look(() => things());
  database.exec("BEGIN");
  vi.spyOn(database, "exec").mockImplementationOnce(() => {
    throw new Error("no rollback");
  });
  const outcomes = await Promise.allSettled([look(), look()]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await look()).toEqual([]);
});

test("statements that are run at once are all done or none is, and what waits is not among them", async () => {
  const waits = write("a");
  turns.atOnce("NORMAL", () => database.exec("INSERT INTO things (name) VALUES ('b')"));
  expect(things()).toEqual(["b"]);
  const fail = () =>
    turns.atOnce("NORMAL", () => {
      database.exec("INSERT INTO things (name) VALUES ('c')");
      throw new Error("half-way");
    });
  expect(fail).toThrow("half-way");
  await waits;
  expect(things()).toEqual(["a", "b"]);
});

test("what was written right before the store is closed is in the file", async () => {
  const path = join(folder, "sessions.sqlite");
  const store = sqliteStore({ path });
  const written = [store.insertSignIn(signInRecord()), store.insertSession(sessionRecord())];
  await store.close();
  expect(await Promise.all(written)).toEqual([true, true]);
  await expect(store.updateSignIn(signInRecord({ version: 1 }))).rejects.toThrow("not open");
  const again = sqliteStore({ path });
  expect(await again.readSignIn("sign-in-1")).toEqual(signInRecord());
  expect(await again.readSession("hash-1", start)).toEqual(sessionRecord());
  await again.close();
});

test("of changes of one sign-in in one turn the first counts, an ending like any other", async () => {
  const store = sqliteStore({ path: join(folder, "sessions.sqlite") });
  await store.insertSignIn(signInRecord());
  const moved = signInRecord({ version: 1, current: "hash-2", previous: "hash-1" });
  const ended = signInRecord({
    version: 1,
    ended: { at: start, reason: "signed-out" },
    revocationOwed: true,
  });
  expect(await Promise.all([store.updateSignIn(ended), store.updateSignIn(moved)])).toEqual([true, false]);
  expect(await store.readSignIn("sign-in-1")).toEqual(ended);
  // Everything of a record can change, what is indexed too.
  const { user } = signInRecord();
  const all = {
    ...moved,
    version: 2,
    application: "forum",
    user: { ...user, id: "user-2" },
    revocationOwed: true,
  };
  const other = {
    ...all,
    authenticatedAt: start + 1,
    absoluteExpiresAt: start + 2,
    remembered: true,
    attempt: 3,
  };
  expect(await store.updateSignIn(other)).toBe(true);
  expect(await store.readSignIn("sign-in-1")).toEqual(other);
  await store.close();
});
