// vitest's global set-up: one Redis and one Postgres for all test files, each started when the first file asks for it. Tests keep apart by
// database and by key prefix. Addresses of servers that run already are taken from TEST_REDIS_URL and TEST_POSTGRES_URL.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { TestProject } from "vitest/node";
import { type PostgresServer, startPostgres } from "./postgres.ts";
import { type RedisServer, startRedis } from "./redis.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The port that starts shared servers. */
    servers: number;
  }
}

/** Starts nothing yet; what it answers stops what was started. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let redis: Promise<RedisServer> | null = null;
  let postgres: Promise<PostgresServer> | null = null;
  const starter = createServer((request, response) => {
    const address = request.url === "/redis" ? (redis ??= startRedis()) : (postgres ??= startPostgres());
    address.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  starter.listen(0, "127.0.0.1");
  await once(starter, "listening");
  project.provide("servers", portOf(starter));
  return async () => {
    starter.close();
    await Promise.allSettled([redis, postgres].map(async (server) => (await server)?.remove()));
  };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
