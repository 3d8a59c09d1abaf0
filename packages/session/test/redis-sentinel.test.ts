// A master behind a Sentinel: found by name, and found again after a fail-over, by the process that was running all along.
import { afterEach, expect, test } from "vitest";
import { redisStore } from "../src/store/redis.ts";
import { minute, sessionRecord, signInRecord, start } from "./records.ts";
import { ask, startSentinel, type TestSentinel } from "./redis-servers.ts";

const idle = 30 * minute;
let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const failovers: readonly [string, (system: TestSentinel) => Promise<unknown>][] = [
  ["has died", ({ master }) => master.stop("SIGKILL")],
  [
    "was sent away, and acknowledges what it will forget",
    // Not before it thinks well enough of the replica; and again, where it gave up because the machine was slow (failover-timeout).
    async (system) => {
      const isAway = async () => (await system.masterPort()) === system.replica.port;
      const sendAway = async () => {
        if (await isAway()) return true;
        await ask(system.port, "sentinel", "failover", "main").catch(String);
        return false;
      };
      await expect.poll(sendAway, { timeout: 40_000, interval: 500 }).toBe(true);
    },
  ],
];

test.each(failovers)(
  "a store goes on with the new master after the old one %s",
  async (_, failOver) => {
    const system = open.adopt(await startSentinel(), (each) => each.remove());
    const { replica } = system;
    const store = open.adopt(redisStore({ url: system.url, application: "store" }), (each) => each.close());
    await store.insertSession(sessionRecord());
    await store.insertSignIn(signInRecord());
    // What a replica has not received, a fail-over loses: that is Redis's promise, not ours.
    const isReceived = () => ask(replica.port, "exists", "latchkey:store:i:sign-in-1");
    await expect.poll(isReceived, { timeout: 10_000 }).toBe(1);

    await failOver(system);
    await expect.poll(() => system.masterPort(), { timeout: 15_000 }).toBe(replica.port);
    /** Whether a renewal is written where the new master is, not where the old one still says yes. */
    const isRenewed = async () => {
      const signIn = await store.readSignIn("sign-in-1");
      const next = signInRecord({ version: (signIn?.version ?? 0) + 1 });
      if (!(await store.updateSignIn(next))) return false;
      const written = await ask(replica.port, "get", "latchkey:store:i:sign-in-1");
      return String(written).startsWith(`${next.version}|`);
    };
    await expect.poll(() => isRenewed().catch(() => false), { timeout: 3_000 }).toBe(true);
    expect(await store.useSession("hash-1", start, idle)).toEqual(sessionRecord());
  },
  90_000,
);

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
