// The session store in a file: locked by another process, on a full disk, refusing writes, with its tables gone for a while.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sqliteStore } from "../src/index.ts";
import { storeOutages } from "./outage-suite.ts";

let folder = "";
let path = "";
let files = 0;

/** What another process does to the same file. */
function beside(begin: string, end: string) {
  return async () => {
    const database = new DatabaseSync(path, { timeout: 2_000 });
    database.exec(begin);
    return () => {
      database.exec(end);
      database.close();
    };
  };
}

/** The largest file this process may write to, as a full disk would have it. Reading goes on. */
function limitFiles(bytes: number | "unlimited"): void {
  execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:`]);
}

const refuse = (table: string, event: string) =>
  `CREATE TRIGGER no_${event}_${table} BEFORE ${event} ON ${table} BEGIN SELECT RAISE(ABORT, 'read-only'); END;`;
const [tables, events] = [
  ["sessions", "sign_ins"],
  ["INSERT", "UPDATE", "DELETE"],
];
const pairs = tables.flatMap((table) => events.map((event) => [table, event] as const));

storeOutages({
  name: "SQLite",
  async start() {
    folder = mkdtempSync(join(tmpdir(), "latchkey-"));
  },
  async stop() {
    rmSync(folder, { recursive: true });
  },
  open() {
    path = join(folder, `sessions-${files++}.sqlite`);
    return sqliteStore({ path });
  },
  outages: [
    {
      that: "is locked for writing by another process",
      still: "reading",
      begin: beside("BEGIN IMMEDIATE", "ROLLBACK"),
    },
    {
      that: "lies on a full disk",
      still: "reading",
      async begin() {
        limitFiles(512);
        return () => limitFiles("unlimited");
      },
    },
    {
      that: "is read-only",
      still: "reading",
      begin: beside(
        pairs.map(([table, event]) => refuse(table, event)).join(""),
        pairs.map(([table, event]) => `DROP TRIGGER no_${event}_${table};`).join(""),
      ),
    },
    {
      that: "has lost its tables for a while",
      begin: beside(
        tables.map((table) => `ALTER TABLE ${table} RENAME TO ${table}_away;`).join(""),
        tables.map((table) => `ALTER TABLE ${table}_away RENAME TO ${table};`).join(""),
      ),
    },
  ],
});
