import { expect, test } from "vitest";
import { unwatchedFetch } from "../leak-watch.ts";
import { freePorts } from "../free-ports.ts";
import { startNginx } from "./nginx.ts";
import { query, startPostgres } from "./postgres.ts";
import { startRedis } from "./redis.ts";
import { newDatabase, sharedRedis } from "./running.ts";

test("a Redis of one's own answers, and is gone when removed", async () => {
  const redis = await startRedis();
  await redis.stop();
  await redis.start();
  await redis.remove();
  await expect(unwatchedFetch(redis.url.replace("redis", "http"))).rejects.toThrow("fetch failed");
});

test("a Postgres of one's own keeps what was committed when it is killed", async () => {
  const postgres = await startPostgres({ durable: true });
  try {
    const url = await postgres.database();
    await query(url, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)");
    await postgres.stop("SIGQUIT");
    await postgres.start();
    expect(await query(url, "SELECT n FROM kept")).toEqual([{ n: 1 }]);
  } finally {
    await postgres.remove();
  }
});

test("an nginx of one's own serves what it is told, and what it is told later", async () => {
  const [port = 0] = await freePorts(1);
  const block = (text: string) => `server { listen 127.0.0.1:${port}; return 200 "${text}"; }`;
  const nginx = await startNginx(block("one"), port);
  try {
    const text = async () => (await unwatchedFetch(`http://127.0.0.1:${port}/`)).text();
    expect(await text()).toBe("one");
    nginx.reload(block("two"));
    await expect.poll(text).toBe("two");
  } finally {
    await nginx.remove();
  }
});

test("the shared servers are there for every test file", async () => {
  expect(await sharedRedis()).toMatch(/^redis:/);
  expect(await query(await newDatabase(), "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});
