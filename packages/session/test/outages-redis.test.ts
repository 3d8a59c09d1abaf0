// The session store in a real Redis: unreachable, stopped, paused, killed, read-only, full; behind a network that spoils what passes.
import { storeOutages } from "./outage-suite.ts";
import { redisStore } from "../src/store/redis.ts";
import { type Fault, type Proxy, startProxy } from "../../../test/servers/proxy.ts";
import { type RedisServer, startRedis } from "../../../test/servers/redis.ts";
import { ask } from "./redis-servers.ts";

let redis: RedisServer;
let proxy: Proxy;
let applications = 0;

const spoilt = (that: string, fault: Fault) => ({
  that,
  async begin() {
    await proxy.set(fault);
    return () => proxy.set("pass");
  },
});

const configured = (
  that: string,
  ...settings: readonly [name: string, value: string, otherwise: string][]
) => ({
  that,
  async begin() {
    for (const [name, value] of settings) await ask(redis.port, "config", "set", name, value);
    return async () => {
      for (const [name, , otherwise] of settings) await ask(redis.port, "config", "set", name, otherwise);
    };
  },
});

storeOutages({
  name: "Redis",
  async start() {
    redis = await startRedis(["--appendonly", "yes"]);
    proxy = await startProxy(redis.port);
  },
  async stop() {
    await proxy.close();
    await redis.remove();
  },
  open: () => redisStore({ url: proxy.through(redis.url), application: `outage-${applications++}` }),
  outages: [
    spoilt("refuses connections", "refuse"),
    spoilt("can't be heard of any more, and hears everything late", "hang"),
    spoilt("hears everything and is not heard", "silent"),
    spoilt("answers too late", { delay: 700 }),
    spoilt("is cut off in the middle of an answer", { cutAfter: 2 }),
    spoilt("ends in the middle of an answer", { truncateAfter: 2 }),
    spoilt("answers garbage", "garbage"),
    {
      that: "is stopped",
      async begin() {
        process.kill(redis.pid, "SIGSTOP");
        return () => process.kill(redis.pid, "SIGCONT");
      },
    },
    {
      that: "is paused, as for a fail-over",
      async begin() {
        await ask(redis.port, "client", "pause", 60_000, "write");
        return () => ask(redis.port, "client", "unpause");
      },
    },
    {
      that: "is killed and started again",
      async begin() {
        await redis.stop("SIGKILL");
        return () => redis.start();
      },
    },
    {
      that: "has become a replica",
      still: "reading" as const,
      async begin() {
        await ask(redis.port, "replicaof", "127.0.0.1", 1);
        return () => ask(redis.port, "replicaof", "no", "one");
      },
    },
    { still: "reading" as const, ...configured("is full (noeviction)", ["maxmemory", "1", "0"]) },
    {
      still: "reading" as const,
      ...configured("has too few replicas left to write", ["min-replicas-to-write", "1", "0"]),
    },
  ],
});
