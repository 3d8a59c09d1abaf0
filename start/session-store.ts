/**
 * Where an application's sessions are kept, by SESSION_STORE. What is not used is not loaded: a node on SQLite needs neither
 * Redis's client nor Postgres's.
 */
import { join } from "node:path";
import { memoryStore, type SessionStore, sqliteStore } from "@latchkey/session";
import type { Environment, Part } from "./environment.ts";
import { EnvironmentError } from "./errors.ts";

/** The store of one application; nothing is connected yet. Throws EnvironmentError for an address that can't be used. */
export async function sessionStore(
  { sessionStore: url, dataDirectory }: Environment,
  application: Part,
): Promise<SessionStore> {
  if (url === "sqlite:") return sqliteStore({ path: join(dataDirectory, `${application}-sessions.sqlite`) });
  if (url === "memory:") return memoryStore();
  try {
    return await sharedStore(url, application);
  } catch (cause) {
    // The address may hold a password: stores say what is wrong with it without repeating any of it.
    if (!(cause instanceof TypeError)) throw cause;
    throw new EnvironmentError("SESSION_STORE", cause.message.replace(/^"url" /, ""), { cause });
  }
}

async function sharedStore(url: string, application: Part): Promise<SessionStore> {
  if (url.startsWith("redis")) {
    const { redisStore } = await import("@latchkey/session/redis");
    return redisStore({ url, application });
  }
  const { postgresStore } = await import("@latchkey/session/postgres");
  // Two applications in one database: each has its own users' sign-ins, and must not list the other's.
  return postgresStore({ url, schema: `latchkey_${application}` });
}
