// The store in a Redis Cluster of three: the contract whole, on nodes that keep nothing; and what a Cluster adds to it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sessionStoreConformance } from "../src/store/conformance.ts";
import { redisStore } from "../src/store/redis.ts";
import { minute, sessionRecord, signInRecord, start } from "./records.ts";
import { ask, clusterIsWhole, startCluster, type TestCluster } from "./redis-servers.ts";

let cluster: TestCluster;
let application = "";
let cases = 0;

beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.remove());

/** Sets a key on the node whose slot it is: the others refuse it. */
async function set(key: string, value: string): Promise<void> {
  const answers = await Promise.allSettled(
    cluster.nodes.map(({ port }) => ask(port, "set", key, value, "pxat", Date.UTC(2101))),
  );
  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
}

sessionStoreConformance(
  {
    name: "Redis Cluster",
    async fresh() {
      application = `case-${cases++}`;
    },
    open: async () => redisStore({ url: cluster.url, application }),
    async plantMalformed(key) {
      await set(`latchkey:${application}:s:${key}`, "5|{");
      await set(`latchkey:${application}:i:${key}`, "no record");
    },
    plantEarlier: null,
    async outage() {
      await Promise.all(cluster.nodes.map((node) => node.stop("SIGKILL")));
      return {
        async end() {
          await Promise.all(cluster.nodes.map((node) => node.start()));
          await clusterIsWhole(cluster.nodes);
        },
      };
    },
    keeps: "nothing",
  },
  { describe, test, beforeEach, afterEach },
);

describe("a Cluster", () => {
  test("holds an application's keys on every node", async () => {
    const store = redisStore({ url: cluster.url, application: "spread" });
    for (let n = 0; n < 50; n++) {
      await store.insertSession(sessionRecord({ hash: `hash-${n}` }));
      await store.insertSignIn(signInRecord({ id: `sign-in-${n}`, authenticatedAt: start + n }));
    }
    for (const { port } of cluster.nodes) {
      const keys = await ask(port, "keys", "latchkey:spread:*");
      expect(Array.isArray(keys) ? keys.length : 0).toBeGreaterThan(10);
    }
    await store.close();
  });

  test("goes on with two of its nodes while one is gone, and with it when it is back", async () => {
    const store = redisStore({ url: cluster.url, application: "one-gone" });
    const hashes = Array.from({ length: 30 }, (_, n) => `hash-${n}`);
    const use = async (hash: string) =>
      (await store.useSession(hash, start, 30 * minute))?.hash === hash ? "found" : "absent";
    for (const { port } of cluster.nodes)
      await ask(port, "config", "set", "cluster-require-full-coverage", "no");
    for (const hash of hashes) await store.insertSession(sessionRecord({ hash }));
    const [gone] = cluster.nodes;
    await gone?.stop("SIGKILL");
    const outcomes = await Promise.all(hashes.map((hash) => use(hash).catch(() => "refused")));
    expect(new Set(outcomes)).toEqual(new Set(["found", "refused"]));
    await gone?.start();
    await clusterIsWhole(cluster.nodes);
    await expect.poll(() => Promise.all(hashes.map(use)), { timeout: 10_000 }).toContain("absent");
    await store.close();
  });
});
