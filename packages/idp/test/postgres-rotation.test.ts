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
  await vi.waitFor(
    async () => expect(await query(url, counted)).toEqual([{ n_tup_upd: 60, n_tup_hot_upd: 60 }]),
    10_000,
  );
});
