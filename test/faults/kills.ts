// The run that kill-*.test.ts are made of: every act, every process, every step, until an act gets through alive. It counts the kills:
// two hundred together (`kills`).
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acts } from "./acts.ts";
import { type Part, startWorld, type World } from "./world.ts";

/** Where, and how many processes die there at least. */
export const kills = {
  embedded: { on: "SQLite for both", atLeast: 75 },
  servers: { on: "the provider on Postgres, sessions on Redis", atLeast: 125 },
} as const satisfies Record<string, { on: string; atLeast: number }>;

const parts: readonly Part[] = ["application", "provider"];

/** Kills at every step, with the data where `open` says: the provider's database and the session store. */
export function killsAtEveryStep(
  where: keyof typeof kills,
  open: () => Promise<{ database: string; store: string; close?: () => Promise<void> | void }>,
): void {
  const { on, atLeast } = kills[where];
  describe(`kill -9 at every step, ${on}`, () => {
    let world: World;
    let close: (() => Promise<void> | void) | undefined;
    const deaths = () => parts.reduce((sum, part) => sum + world.parts[part].deaths.length, 0);
    beforeAll(async () => {
      const { database, store, close: closing } = await open();
      close = closing;
      world = await startWorld(database, store);
    });
    afterAll(async () => {
      await world.close();
      await close?.();
    });

    describe.each(Object.entries(acts))("%s", (_, act) => {
      test.each(parts)("what was acknowledged holds when the %s dies", { timeout: 600_000 }, async (part) => {
        // Another request's turn may have committed for this one: only twice in a row is the end.
        for (let at = 1, survived = 0; survived < 2; at++) {
          const before = deaths();
          await act(world, { part, at });
          survived = deaths() === before ? survived + 1 : 0;
        }
        expect(world.seen().complaints).toEqual([]);
      });
    });

    test(`nobody who only read was signed out, and at least ${atLeast} processes were killed`, () => {
      const { pages, complaints } = world.seen();
      expect(complaints).toEqual([]);
      expect(pages).toBeGreaterThan(deaths());
      expect(deaths()).toBeGreaterThanOrEqual(atLeast);
    });

    test("with those of the other run it is two hundred at least", () => {
      expect(kills.embedded.atLeast + kills.servers.atLeast).toBeGreaterThanOrEqual(200);
    });
  });
}
