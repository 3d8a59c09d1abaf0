// Nodes on Postgres that claim deliveries at the same instant share them out: what one has in hand, the others leave alone.
import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { newDatabase } from "../../../test/servers/running.ts";
import { filled, id, USER, webhook } from "../src/store/conformance/records.ts";
import { openStore } from "../src/store/open.ts";

const HOOK = id(9);

test("a delivery that another node is about to claim is neither claimed nor waited for", async () => {
  const url = await newDatabase();
  const store = await openStore(url, () => 1_000_000, { uuid: randomUUID, mails: false });
  onTestFinished(() => store.close());
  await filled(store);
  await store.webhooks.insert(webhook(9));
  await store.users.setActive(USER, false, true);

  const another = new Client({ connectionString: url });
  await another.connect();
  await another.query("BEGIN");
  expect((await another.query("SELECT number FROM outbox FOR NO KEY UPDATE")).rowCount).toBeGreaterThan(0);
  expect(await store.outbox.claim(HOOK, 10, 60_000)).toEqual([]);
  await another.query("ROLLBACK");
  await another.end();
  expect(await store.outbox.claim(HOOK, 10, 60_000)).not.toEqual([]);
});
