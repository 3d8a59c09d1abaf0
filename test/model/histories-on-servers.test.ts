// The same random histories where a real server is involved: the provider on Postgres, sessions on Redis and on Postgres.
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, describe, expect, test, vi } from "vitest";
import { postgresStore } from "@latchkey/session/postgres";
import { redisStore } from "@latchkey/session/redis";
import { query } from "../servers/postgres.ts";
import { startRedis } from "../servers/redis.ts";
import { newDatabase } from "../servers/running.ts";
import { play } from "./play.ts";
import type { Backend } from "./provider.ts";
import { realProvider, realProviderOn } from "./real-provider.ts";
import { lastingStores, memoryStores, type Stores } from "./stores.ts";

vi.mock("@node-rs/argon2", () => import("./cheap-argon2.ts"));

const histories = Number(process.env["MODEL_RUNS"] ?? 60);
const open = new AsyncDisposableStack();
afterAll(() => open.disposeAsync());

type Start = (now: () => number) => Promise<Backend>;

const providers: Readonly<Record<string, Start>> = {
  SQLite: (now) => realProvider(randomUUID(), now),
  Postgres: async (now) => realProviderOn(await newDatabase(), now),
};

const stores: Readonly<Record<string, () => Promise<Stores>>> = {
  memory: () => Promise.resolve(memoryStores),
  async Redis() {
    const server = await startRedis();
    open.defer(() => server.remove());
    const at = (application: string) => redisStore({ url: server.url, application });
    const [store, forum, emptying] = [at("store"), at("forum"), new Redis(server.url)];
    for (const each of [store, forum]) open.defer(() => each.close());
    open.defer(() => emptying.disconnect());
    return lastingStores({ store, forum }, () => emptying.flushall());
  },
  async Postgres() {
    const url = await newDatabase();
    const store = postgresStore({ url });
    open.defer(() => store.close());
    await store.readSignIn("makes the tables");
    const empty = () => query(url, "TRUNCATE latchkey.sessions, latchkey.sign_ins");
    return lastingStores({ store, forum: store }, empty);
  },
};

const cases = [
  ["SQLite", "Redis", 11],
  ["SQLite", "Postgres", 12],
  ["Postgres", "memory", 13],
  ["Postgres", "Redis", 14],
  ["Postgres", "Postgres", 15],
] as const;

describe.each(cases)("random histories, the provider on %s, sessions in %s", (provider, store, seed) => {
  test(`honest people stay signed in and what ended stays ended, in ${histories}`, {
    timeout: 900_000,
  }, async () => {
    const start = providers[provider];
    const opened = await stores[store]?.();
    if (start === undefined || opened === undefined) throw new Error("no such place");
    const tally = await play(start, histories, seed, opened);
    const happened = ["signed-in", "renewed due", "sign-in-ended reuse-detected"];
    expect(happened.filter((what) => !(what in tally))).toEqual([]);
  });
});
