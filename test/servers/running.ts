// The servers that all test files share, for tests: started-once.ts starts each when it is first asked for.
import { randomUUID } from "node:crypto";
import { inject } from "vitest";
import { unwatchedFetch } from "../leak-watch.ts";
import { query } from "./postgres.ts";

/** The address of the shared Redis. Take a key prefix that nobody else takes. */
export function sharedRedis(): Promise<string> {
  return started("redis", process.env["TEST_REDIS_URL"]);
}

/** A new, empty database on the shared Postgres, as an address. */
export async function newDatabase(): Promise<string> {
  const url = await started("postgres", process.env["TEST_POSTGRES_URL"]);
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await query(url, `CREATE DATABASE ${name}`);
  return url.replace(/[^/]*$/, name);
}

async function started(server: "redis" | "postgres", given: string | undefined): Promise<string> {
  if (given) return given;
  const response = await unwatchedFetch(`http://127.0.0.1:${inject("servers")}/${server}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
