// What the SQLite store promises beyond the contract: what is on the disk when, that sweeps are short, and that a
// failing disk is an outage and not the end of the process.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ended } from "../src/judgement.ts";
import { sqliteStore } from "../src/store/sqlite.ts";
import type { SessionStore } from "../src/store/store.ts";
import { minute, sessionRecord, signInRecord, start } from "./records.ts";

const idle = 30 * minute;
let folder = "";
const opened: SessionStore[] = [];

function open(name = "sessions.sqlite"): SessionStore {
  const store = sqliteStore({ path: join(folder, name) });
  opened.push(store);
  return store;
}

/** The file as a crash at this moment would leave it, with its write-ahead log, opened anew. */
function afterCrash(): SessionStore {
  for (const suffix of ["", "-wal", "-shm"]) {
    cpSync(join(folder, `sessions.sqlite${suffix}`), join(folder, `copy.sqlite${suffix}`));
  }
  return open("copy.sqlite");
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "latchkey-"));
});

afterEach(async () => {
  vi.useRealTimers();
  for (const store of opened.splice(0)) await store.close().catch(() => {});
  rmSync(folder, { recursive: true });
});

describe("on the disk", () => {
  test("a session and its sign-in are there when their promises resolve", async () => {
    const store = open();
    await store.insertSignIn(signInRecord());
    await store.insertSession(sessionRecord());
    const copy = afterCrash();
    expect(await copy.readSignIn("sign-in-1")).toEqual(signInRecord());
    expect(await copy.useSession("hash-1", start, idle)).toMatchObject({ signInId: "sign-in-1" });
  });

  test("an ending is there when its promise resolves: no crash undoes a sign-out", async () => {
    const store = open();
    await store.insertSignIn(signInRecord());
    await store.insertSession(sessionRecord());
    await store.useSession("hash-1", start, idle);
    await store.updateSignIn(ended(signInRecord(), "signed-out", true, start));
    await store.deleteSession("hash-1");
    const copy = afterCrash();
    expect((await copy.readSignIn("sign-in-1"))?.ended).toEqual({ at: start, reason: "signed-out" });
    expect(await copy.useSession("hash-1", start, idle)).toBeNull();
  });

  test("extensions are there after closing and opening again", async () => {
    const store = open();
    await store.insertSession(sessionRecord());
    await store.useSession("hash-1", start + 20 * minute, idle);
    await store.close();
    expect(await open().useSession("hash-1", start + 49 * minute, idle)).not.toBeNull();
  });

  test("extensions are there after the stated 100 ms", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const store = open();
    await store.insertSession(sessionRecord());
    await store.useSession("hash-1", start + 20 * minute, idle);
    await vi.advanceTimersByTimeAsync(100);
    expect(await afterCrash().useSession("hash-1", start + 49 * minute, idle)).not.toBeNull();
  });
});

describe("among very many sign-ins", () => {
  /** Puts sign-ins of one user into the file, from `start` on, a millisecond apart. */
  function fill(count: number, columns: string): void {
    const file = new DatabaseSync(join(folder, "sessions.sqlite"));
    file.exec(`
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
      INSERT INTO sign_ins (id, user_id, user, device, authenticated_at, absolute_expires_at, ended_at, application,
        version, remembered, current, attempt, renewed_at, minted_at, revocation_owed)
      SELECT ${columns}, 0, 0, 's', 0, 0, 0, 0 FROM numbers`);
    file.close();
  }

  test.each([
    ["other users' live ones", "'other-' || n, 'other-' || n, '{}', '{}', n, 9e15, NULL, 'store'"],
    ["ones of the same user that are over", "'over-' || n, 'user-1', '{}', '{}', n, 9e15, n, 'store'"],
    ["ones of the same user elsewhere", "'forum-' || n, 'user-1', '{}', '{}', n, 9e15, NULL, 'forum'"],
  ])("a user's live ones are found without reading %s (CWE-400)", async (_, columns) => {
    const store = open();
    await store.insertSignIn(signInRecord());
    fill(50_000, columns);
    const asked = { application: "store", userId: "user-1", after: null, limit: 100 };
    const before = performance.now();
    for (let time = 0; time < 100; time++) expect(await store.liveSignIns(asked)).toEqual([signInRecord()]);
    expect(performance.now() - before).toBeLessThan(1_000);
  });
});

describe("look-ups of one turn", () => {
  const { hash } = sessionRecord();

  test("see an ending that this process committed before they were asked for, by this store or another", async () => {
    const [one, other] = [open(), open()];
    await one.insertSession(sessionRecord());
    expect(await one.useSession(hash, start, minute)).not.toBeNull();
    await other.deleteSession(hash);
    expect(await one.useSession(hash, start, minute)).toBeNull();
    await one.close();
    await other.close();
  });

  test("see what another process has ended before they were asked for", async () => {
    const store = open();
    await store.insertSession(sessionRecord());
    const anotherProcess = new DatabaseSync(join(folder, "sessions.sqlite"));
    const look = () => store.useSession(hash, start, minute);
    expect(await Promise.all([look(), look()])).not.toContain(null);
    anotherProcess.exec("DELETE FROM sessions");
    expect(await Promise.all([look(), look()])).toEqual([null, null]);
    anotherProcess.close();
    await store.close();
  });

  test("are answered when the store is closed right behind them", async () => {
    const store = open();
    await store.insertSession(sessionRecord());
    const found = [store.useSession(hash, start, minute), store.useSession("hash-2", start, minute)];
    await store.close();
    expect(await Promise.all(found)).toEqual([sessionRecord(), null]);
    await expect(store.useSession(hash, start, minute)).rejects.toThrow("not open");
  });
});

describe("a sweep", () => {
  test("removes at most a thousand at once, so that it never holds up requests for long", async () => {
    const store = open();
    for (let index = 0; index < 1_500; index++) {
      await store.insertSession(sessionRecord({ hash: `over-${index}`, expiresAt: start + 1 }));
    }
    const file = new DatabaseSync(join(folder, "sessions.sqlite"), { readOnly: true });
    const left = () => file.prepare("SELECT count(*) AS rows FROM sessions").get();
    await store.sweep(start + minute);
    expect(left()).toEqual({ rows: 1_500 });
    await store.sweep(start + minute + 1);
    expect(left()).toEqual({ rows: 500 });
    file.close();
  });

  test("removes no session whose extension another process holds back", async () => {
    const [one, two] = [sqliteStore({ path: join(folder, "sessions.sqlite"), flushEvery: minute }), open()];
    await one.insertSession(sessionRecord());
    await one.useSession("hash-1", start + idle - 1, idle);
    await two.sweep(start + idle);
    await one.close();
    expect(await two.useSession("hash-1", start + idle, idle)).not.toBeNull();
  });
});

describe("a write of extensions that fails", () => {
  /** Makes every write to the sessions fail, as a full disk would, until it is undone. */
  function failWrites(): () => void {
    const other = new DatabaseSync(join(folder, "sessions.sqlite"));
    other.exec("CREATE TRIGGER full BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    return () => {
      other.exec("DROP TRIGGER full");
      other.close();
    };
  }

  test("does not end the process, and is made up for when the disk is well again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const store = open();
    await store.insertSession(sessionRecord());
    const recover = failWrites();
    await store.useSession("hash-1", start + 20 * minute, idle);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await store.useSession("hash-1", start + 20 * minute, idle)).not.toBeNull();
    recover();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await afterCrash().useSession("hash-1", start + 49 * minute, idle)).not.toBeNull();
  });

  test("leaves no transaction open that would refuse what comes next", async () => {
    const store = open();
    await store.insertSession(sessionRecord());
    const recover = failWrites();
    await store.useSession("hash-1", start + 20 * minute, idle);
    await expect(store.sweep(start)).rejects.toThrow("disk full");
    recover();
    await store.sweep(start);
    expect(await store.insertSession(sessionRecord({ hash: "hash-2" }))).toBe(true);
    expect(await open().useSession("hash-1", start + 49 * minute, idle)).not.toBeNull();
  });
});

test("a file to which a later release has added columns is gone on with", async () => {
  await open().close();
  const file = new DatabaseSync(join(folder, "sessions.sqlite"));
  file.exec("ALTER TABLE sessions ADD COLUMN later TEXT; ALTER TABLE sign_ins ADD COLUMN later TEXT");
  file.close();
  const store = open();
  expect(await store.insertSession(sessionRecord())).toBe(true);
  expect(await store.insertSignIn(signInRecord())).toBe(true);
  expect(await store.readSession(sessionRecord().hash, start)).toEqual(sessionRecord());
  expect(await store.readSignIn(signInRecord().id)).toEqual(signInRecord());
});

test("a file that can't be opened stops the application at once", () => {
  expect(() => open(join("missing", "folder", "sessions.sqlite"))).toThrow("unable to open database file");
});
