// What a rotation costs Postgres: one row written in its place, however often, and no index entry.
import { randomUUID } from "node:crypto";
import { expect, test, vi } from "vitest";
import { newDatabase } from "../../../test/servers/running.ts";
import { query } from "../../../test/servers/postgres.ts";
import { filled, HOUR, signedIn } from "../src/store/conformance/records.ts";
import { openStore } from "../src/store/open.ts";

test("a rotation is a heap-only update", async () => {
  const url = await newDatabase();
  const now = 1_000_000;
  const store = await openStore(`${url}?pool_size=1`, () => now, { uuid: randomUUID, mails: false });
  await filled(store);
  const { id, expiresInstant, endsInstant } = await signedIn(store, 10, now);
  for (let generation = 1; generation <= 60; generation += 1) {
    const use = { keyId: "k", expiresInstant: expiresInstant + HOUR, endsInstant, lastAccessedAddress: null };
    expect(await store.refreshTokens.advance(id, generation, { ...use, generation: generation + 1 })).toBe(
      true,
    );
  }
  // A connection that ends hands in what it has counted.
  await store.close();
  const counted =
    "SELECT n_tup_upd::int, n_tup_hot_upd::int FROM pg_stat_user_tables WHERE relname = 'refresh_tokens'";
  const written = await vi.waitFor(async () => {
    const [row] = await query(url, counted);
    expect(row?.["n_tup_upd"]).toBe(60);
    return Number(row?.["n_tup_hot_upd"]);
  }, 10_000);
  // While somebody else's snapshot keeps the page from being tidied up, it may fill, and the row moves: once in sixty was seen.
  expect(written).toBeGreaterThan(50);
});
