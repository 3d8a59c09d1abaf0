/** A copy of the session store: a backup, a replica, an SQL injection. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Attack } from "../attack.ts";
import { Client } from "../client.ts";
import { cookieName, elsewhere, victim } from "../people.ts";
import { seesCart, second } from "../schedule.ts";
import type { Target } from "../target.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Session-store dump",
  story:
    "The attacker has a copy of the Store's session database. They read every value in it that could be a cookie and present each one as the session id and as the refresh token. If the store keeps what the browser presents, every session in it is theirs.",
  source: "ASVS 7.2.3, 11.4.1; CWE-522; WSTG-SESS-01",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["session-id-stored"],
  async run(target) {
    const owner = await victim(target);
    await target.pass(second);
    const theft = await theftFrom(target);
    for (const value of valuesIn(target)) {
      for (const name of ["session", "refresh-token"] as const) {
        const thief = new Client(owner.origin, elsewhere);
        thief.cookies.set(cookieName(owner, name), value);
        await theft.attempt(() => seesCart(thief));
      }
    }
    return theft.measured(owner);
  },
};

/** Every word of the databases of sessions that a cookie could carry. */
function valuesIn({ data }: Target): Set<string> {
  const files = readdirSync(data).filter(
    (name) => /session.*\.sqlite$/.test(name) && name.startsWith("store"),
  );
  const words = files
    .flatMap((file) => cellsOf(join(data, file)))
    .flatMap((cell) => cell.match(/[\w.-]{20,}/g));
  const found = new Set(words.filter((word) => word !== null));
  if (found.size === 0) throw new Error("The dump holds nothing to try");
  return found;
}

function cellsOf(path: string): string[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const cells = tables.flatMap(({ name }) =>
    database
      .prepare(`SELECT * FROM "${String(name)}"`)
      .all()
      .flatMap((row) => Object.values(row).map(String)),
  );
  database.close();
  return cells;
}
