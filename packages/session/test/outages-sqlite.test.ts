// The session store in a file: locked by another process, on a full disk, read-only, closed under our feet.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sqliteStore, type SessionStore } from "../src/index.ts";
import { storeOutages } from "./outage-suite.ts";

let folder = "";
let path = "";
let files = 0;
let store: SessionStore | null = null;

/** Another process's connection to the same file. */
function beside(setting: string, undo: string) {
  return async () => {
    const database = new DatabaseSync(path, { timeout: 2_000 });
    database.exec(setting);
    return () => {
      database.exec(undo);
      database.close();
    };
  };
}

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
    store = sqliteStore({ path });
    return store;
  },
  outages: [
    {
      that: "is locked for writing by another process",
      still: "reading",
      begin: beside("BEGIN IMMEDIATE", "ROLLBACK"),
    },
  ],
});
