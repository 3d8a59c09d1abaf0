/**
 * The SQLite store under the conformance suite. Its outage is another process that holds the file's lock: what writes gives up after
 * half a second, what reads goes on (WAL).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StoreHarness } from "../src/store/conformance.ts";
import { sqliteStore } from "../src/store/sqlite.ts";

/** A new file for each case, in a folder that goes with the process. */
export function sqliteHarness(): StoreHarness {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  let files = 0;
  const path = () => join(folder, `sessions-${files}.sqlite`);
  const file = (sql: string) => {
    const database = new DatabaseSync(path());
    database.exec(sql);
    database.close();
  };
  return {
    name: "SQLite",
    keeps: "what was acknowledged",
    async fresh() {
      files++;
    },
    open: async () => sqliteStore({ path: path() }),
    async plantMalformed(key) {
      const [id, json] = [literal(key), literal('{"id": "user-1", "roles"')];
      file(`
        INSERT INTO sessions VALUES (${id}, 'sign-in-1', ${json}, 0, 0, 9e15, 9e15, 0, 0);
        INSERT INTO sign_ins VALUES (${id}, 0, 'user-1', ${json}, ${json}, 0, 9e15, 0, 's0', NULL, 0, 0, 0, NULL, NULL, NULL, 1,
          'store', NULL)`);
    },
    async plantEarlier(session, signIn) {
      file("DROP TABLE sessions; DROP TABLE sign_ins");
      file(firstTables);
      const database = new DatabaseSync(path());
      const { hash, signInId, user, authenticatedAt, vouchedAt, expiresAt, absoluteExpiresAt } = session;
      database
        .prepare("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, 0)")
        .run(hash, signInId, JSON.stringify(user), authenticatedAt, vouchedAt, expiresAt, absoluteExpiresAt);
      database
        .prepare(
          "INSERT INTO sign_ins VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, NULL, 0, ?, ?, NULL, NULL, NULL, 0)",
        )
        .run(
          signIn.id,
          signIn.version,
          signIn.user.id,
          JSON.stringify(signIn.user),
          JSON.stringify(signIn.device),
          signIn.authenticatedAt,
          signIn.absoluteExpiresAt,
          signIn.current,
          signIn.renewedAt,
          signIn.mintedAt,
        );
      database.close();
    },
    async outage() {
      const other = new DatabaseSync(path());
      other.exec("BEGIN EXCLUSIVE");
      return {
        async end() {
          other.exec("ROLLBACK");
          other.close();
        },
      };
    },
  };
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The tables as the first release made them. */
const firstTables = `
  CREATE TABLE sessions (
    hash TEXT PRIMARY KEY, sign_in_id TEXT NOT NULL, user TEXT NOT NULL, authenticated_at INTEGER NOT NULL,
    vouched_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, absolute_expires_at INTEGER NOT NULL,
    presented INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE sign_ins (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, user_id TEXT NOT NULL, user TEXT NOT NULL, device TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL, absolute_expires_at INTEGER NOT NULL, remembered INTEGER NOT NULL,
    current TEXT NOT NULL, previous TEXT, attempt INTEGER NOT NULL, renewed_at INTEGER NOT NULL, minted_at INTEGER NOT NULL,
    presented_at INTEGER, ended_at INTEGER, ended_reason TEXT, revocation_owed INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;
