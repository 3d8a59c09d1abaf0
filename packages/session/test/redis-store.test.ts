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
  server = await startRedis(["--appendonly", "yes"]);
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
      await ask(server.port, "set", `latchkey:${application}:s:${key}`, "5|{", "pxat", Date.UTC(2101));
      await ask(server.port, "set", `latchkey:${application}:i:${key}`, "no record", "pxat", Date.UTC(2101));
    },
    plantEarlier: null,
    async outage() {
      await server.stop("SIGKILL");
      return { end: () => server.start() };
    },
    keeps: "what was acknowledged",
  },
  { describe, beforeEach, afterEach, test: (name, body) => test(name, body, 30_000) },
);
