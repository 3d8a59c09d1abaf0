// What SQLite promises of each write when the power fails, which no test can bring about: it is its `synchronous` setting, looked up
// on the very connection that wrote. FULL (2): on the disk before the write is answered. NORMAL (1): the file stays sound, and the last
// writes may be missing. That killing the process loses neither is what kill-embedded.test.ts shows.
import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createIdp } from "@latchkey/idp";
import { sqliteStore } from "@latchkey/session";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { sessionRecord, signInRecord } from "../../packages/session/test/records.ts";
import { secret } from "../leak-watch.ts";

const folder = mkdtempSync(join(tmpdir(), "latchkey-durability-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { prepare } = DatabaseSync.prototype;
const { run } = StatementSync.prototype;
/** `synchronous` by the table that was written to. */
let settings: Map<string, Set<unknown>>;

beforeEach(() => {
  settings = new Map();
  const databases = new WeakMap<StatementSync, DatabaseSync>();
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, ...given) {
    const statement = prepare.apply(this, given);
    databases.set(statement, this);
    return statement;
  };
  StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
    const table = /^\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)/.exec(this.sourceSQL)?.[1] ?? "other";
    const database = databases.get(this);
    const row = database === undefined ? {} : prepare.call(database, "PRAGMA synchronous").get();
    settings.set(table, (settings.get(table) ?? new Set()).add(row?.["synchronous"]));
    return Reflect.apply(run, this, values) as ReturnType<typeof run>;
  };
});
afterEach(() => {
  DatabaseSync.prototype.prepare = prepare;
  StatementSync.prototype.run = run;
});

test("sign-ins, and so sign-outs, are on the disk before they are answered; sessions may lose their last writes", async () => {
  const store = sqliteStore({ path: join(folder, "sessions.sqlite") });
  await store.insertSignIn(signInRecord());
  await store.updateSignIn(signInRecord({ version: 1 }));
  await store.insertSession(sessionRecord());
  await store.deleteSession("hash-1");
  await store.close();
  expect(settings.get("sign_ins")).toEqual(new Set([2]));
  expect(settings.get("sessions")).toEqual(new Set([1]));
});

test("everything the provider writes is on the disk before it is answered", async () => {
  const idp = await createIdp({
    database: join(folder, "idp.sqlite"),
    issuer: "http://localhost:9011",
    keys: [{ id: "k", secret: secret("a secret of this test, 32 bytes or more") }],
  });
  await idp.close();
  expect(settings.size).toBeGreaterThan(1);
  for (const [table, found] of settings) expect({ table, found }).toEqual({ table, found: new Set([2]) });
});
