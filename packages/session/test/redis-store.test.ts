// The store in Redis keeps the contract whole: on one server that keeps what it has acknowledged.
import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from "vitest";
import { type RedisServer, startRedis } from "../../../test/servers/redis.ts";
import { sessionStoreConformance } from "../src/store/conformance.ts";
import { redisStore } from "../src/store/redis.ts";
import { ask } from "./redis-servers.ts";

let server: RedisServer;
let application = "";
let cases = 0;

beforeAll(async () => {
  // Written before it is acknowledged, and left to the system to flush: killing the process loses nothing, unlike with everysec.
  server = await startRedis(["--appendonly", "yes", "--appendfsync", "no"]);
});
afterAll(() => server.remove());

sessionStoreConformance(
  {
    name: "Redis",
    async fresh() {
      application = `case-${cases++}`;
    },
    open: async () => redisStore({ url: server.url, application }),
    async plantMalformed(key) {
      const of = (rest: string) => `latchkey:${application}:${rest}`;
      await ask(server.port, "set", of(`s:${key}`), "5|{", "pxat", Date.UTC(2101));
      await ask(server.port, "set", of(`i:${key}`), "no record", "pxat", Date.UTC(2101));
      const entry = `${"0".repeat(13)} ${key} ${Date.UTC(2101) / 1_000}`;
      for (const index of ["u:user-1", "l:0", "o"]) await ask(server.port, "zadd", of(index), 0, entry);
    },
    plantEarlier: null,
    async outage() {
      await server.stop("SIGKILL");
      return { end: () => server.start() };
    },
    keeps: "what was acknowledged",
  },
  { describe, test, beforeEach, afterEach },
);
