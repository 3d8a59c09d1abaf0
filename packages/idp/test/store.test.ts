// The promises of store.ts that HTTP can't show: one commit a turn, what a failing write undoes, and the compare-and-set.
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { createTurn, type Turn } from "../src/store/sqlite/turn.ts";
import { openSqlite } from "../src/store/sqlite/open.ts";
import type { RefreshToken } from "../src/store/records.ts";
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

const id = (digit: number): string => `${digit}0000000-0000-4000-8000-000000000000`;

async function withToken() {
  let now = 1_000_000;
  const store = openSqlite(":memory:", () => now, { uuid: randomUUID, mails: false });
  const stamps = { version: 1, insertInstant: now, lastUpdateInstant: now };
  await store.tenants.insert({ id: id(1), name: "T", isDefault: true, settings: {}, ...stamps });
  const application = {
    id: id(2),
    tenantId: id(1),
    name: "A",
    active: true,
    settings: {},
    sealedSecret: "s",
    roles: [],
  };
  await store.applications.insert({ ...application, ...stamps });
  const unset = {
    username: null,
    expiry: null,
    password: null,
    passwordLastUpdateInstant: null,
    lastLoginInstant: null,
  };
  const user = {
    id: id(3),
    tenantId: id(1),
    email: "a@b.c",
    active: true,
    verified: false,
    profile: {},
    credentialVersion: 1,
  };
  await store.users.insert({ ...user, ...unset, ...stamps });
  const token: RefreshToken = {
    id: id(4),
    tenantId: id(1),
    applicationId: id(2),
    userId: id(3),
    secret: Buffer.alloc(32),
    keyId: "k",
    generation: 1,
    startInstant: now,
    rotatedInstant: now,
    expiresInstant: now + 100,
    endsInstant: now + 1_000,
    revokedInstant: null,
    revokedReason: null,
    metaData: {},
    lastAccessedAddress: null,
    lastAccessedInstant: now,
  };
  const signIn = {
    userId: id(3),
    credentialVersion: 1,
    applicationId: id(2),
    registrationId: null,
    refreshToken: token,
  };
  expect(await store.refreshTokens.signIn(signIn)).not.toBeNull();
  const use = {
    generation: 2,
    keyId: "k",
    expiresInstant: now + 100,
    endsInstant: now + 1_000,
    lastAccessedAddress: null,
  };
  return { store, token, signIn, use, move: (ms: number) => (now += ms), now: () => now };
}

test("of 50 compare-and-sets from one generation one wins", async () => {
  const { store, token, use } = await withToken();
  const won = await Promise.all(
    Array.from({ length: 50 }, () => store.refreshTokens.advance(token.id, 1, use)),
  );
  expect(won.filter(Boolean)).toHaveLength(1);
  expect((await store.refreshTokens.find(token.id))?.token.generation).toBe(2);
  await store.close();
});

test("the grace's instant is the store's, and moves with the generation only", async () => {
  const { store, token, use, move, now } = await withToken();
  move(10);
  await store.refreshTokens.advance(token.id, 1, { ...use, generation: 1 });
  expect((await store.refreshTokens.find(token.id))?.token.rotatedInstant).toBe(now() - 10);
  await store.refreshTokens.advance(token.id, 1, use);
  expect((await store.refreshTokens.find(token.id))?.token.rotatedInstant).toBe(now());
  await store.close();
});

test("a revoked token can't be advanced, stays until it ends, and is then forgotten", async () => {
  const { store, token, use, move } = await withToken();
  expect(await store.refreshTokens.revoke({ id: token.id }, "reuse", null)).toBe(1);
  expect(await store.refreshTokens.advance(token.id, 1, use)).toBe(false);
  move(999);
  expect(await store.refreshTokens.sweep(10)).toBe(0);
  expect((await store.refreshTokens.find(token.id))?.token).toMatchObject({ revokedReason: "reuse" });
  move(1);
  expect(await store.refreshTokens.sweep(10)).toBe(1);
  expect(await store.refreshTokens.find(token.id)).toBeNull();
  await store.close();
});

test("a sweep is bounded", async () => {
  const { store, token, signIn, move } = await withToken();
  for (const digit of [5, 6, 7]) {
    await store.refreshTokens.signIn({ ...signIn, refreshToken: { ...token, id: id(digit) } });
  }
  move(1_000);
  expect([await store.refreshTokens.sweep(3), await store.refreshTokens.sweep(3)]).toEqual([3, 1]);
  await store.close();
});

test("a sign-in is not recorded for a user who was locked or changed his password meanwhile", async () => {
  const { store, token, signIn } = await withToken();
  const again = (credentialVersion: number) =>
    store.refreshTokens.signIn({ ...signIn, credentialVersion, refreshToken: { ...token, id: id(8) } });
  expect(await again(2)).toBeNull();
  expect(
    await store.refreshTokens.signIn({ ...signIn, registrationId: id(9), refreshToken: null }),
  ).toBeNull();
  await store.users.setActive(id(3), false, true);
  expect(await again(1)).toBeNull();
  expect(await store.refreshTokens.find(id(8))).toBeNull();
  await store.close();
});

test("a sign-in is not recorded for a user who expired or an application that was deactivated meanwhile (CWE-367)", async () => {
  const { store, token, signIn, move, now } = await withToken();
  const again = () => store.refreshTokens.signIn({ ...signIn, refreshToken: { ...token, id: id(8) } });
  const user = await store.users.find(id(3));
  if (user === null) throw new Error("no user");
  await store.users.update({ ...user, expiry: now() + 10 });
  move(10);
  expect(await again()).toBeNull();
  await store.users.update({ ...user, expiry: now() + 1, version: user.version + 1 });
  await store.applications.setActive(id(2), false);
  expect(await again()).toBeNull();
  expect(await store.refreshTokens.find(id(8))).toBeNull();
  await store.applications.setActive(id(2), true);
  expect(await again()).not.toBeNull();
  await store.close();
});

test("an update on an old version is a conflict and never creates", async () => {
  const { store } = await withToken();
  const user = await store.users.find(id(3));
  if (user === null) throw new Error("no user");
  expect(await store.users.update({ ...user, email: "new@b.c" })).toBe("saved");
  expect(await store.users.update({ ...user, email: "lost@b.c" })).toBe("conflict");
  await store.users.delete(user.id);
  expect(await store.users.update({ ...user, version: 2 })).toBe("conflict");
  expect(await store.users.find(user.id)).toBeNull();
  await store.close();
});
