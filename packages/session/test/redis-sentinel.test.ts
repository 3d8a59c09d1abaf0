// A master behind a Sentinel: found by name, and found again after a fail-over, by the process that was running all along.
import { afterEach, expect, test } from "vitest";
import { redisStore } from "../src/store/redis.ts";
import { minute, sessionRecord, signInRecord, start } from "./records.ts";
import { ask, startSentinel } from "./redis-servers.ts";

const idle = 30 * minute;
let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

test("a store goes on with the new master after the old one has died, and after one that was sent away", async () => {
  const system = open.adopt(await startSentinel(), (each) => each.remove());
  const { master, replica } = system;
  const store = open.adopt(redisStore({ url: system.url, application: "store" }), (each) => each.close());
  await store.insertSession(sessionRecord());
  await store.insertSignIn(signInRecord());
  // What a replica has not received, a fail-over loses: that is Redis's promise, not ours.
  await expect
    .poll(() => ask(replica.port, "exists", "latchkey:store:i:sign-in-1"), { timeout: 10_000 })
    .toBe(1);

  const isWritten = async (version: number) =>
    store.updateSignIn(signInRecord({ version })).catch(() => false);
  await master.stop("SIGKILL");
  await expect.poll(() => isWritten(1), { timeout: 15_000 }).toBe(true);
  expect(await system.masterPort()).toBe(replica.port);
  expect(await store.useSession("hash-1", start, idle)).toEqual(sessionRecord());

  await master.start();
  const isReplica = async () =>
    String(await ask(master.port, "info", "replication")).includes("master_link_status:up");
  await expect.poll(isReplica, { timeout: 15_000 }).toBe(true);
  await expect
    .poll(() => ask(system.port, "sentinel", "failover", "main").catch(() => null), { timeout: 15_000 })
    .toBe("OK");
  await expect.poll(() => system.masterPort(), { timeout: 15_000 }).toBe(master.port);
  await expect.poll(() => isWritten(2), { timeout: 15_000 }).toBe(true);
  expect(await ask(master.port, "get", "latchkey:store:i:sign-in-1")).toMatch(/^2\|/);
}, 60_000);

test("a store finds the master through whichever Sentinel answers, and says so when none does", async () => {
  const system = open.adopt(await startSentinel(), (each) => each.remove());
  const url = system.url.replace("//", "//127.0.0.1:1,");
  const store = open.adopt(redisStore({ url, application: "store" }), (each) => each.close());
  expect(await store.insertSession(sessionRecord())).toBe(true);
  const nobody = redisStore({ url: "redis+sentinel://127.0.0.1:1/main", application: "store" });
  const since = performance.now();
  await expect(nobody.readSignIn("sign-in-1")).rejects.toThrow("Redis did not do it");
  expect(performance.now() - since).toBeLessThan(2_000);
  await nobody.close();
  const unknown = redisStore({ url: system.url.replace("main", "other"), application: "store" });
  await expect(unknown.readSignIn("sign-in-1")).rejects.toThrow("Redis did not do it");
  await unknown.close();
});
