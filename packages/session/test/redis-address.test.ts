// Addresses of Redis: what they may look like, and that a wrong one is refused without being shown (CWE-532).
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redisStore } from "../src/store/redis.ts";
import { redisAddress } from "../src/store/redis-address.ts";

const plain = { tls: false, credentials: null };

describe("an address of Redis", () => {
  test.each([
    ["redis://cache", { ...plain, kind: "server", at: { host: "cache", port: 6379 }, database: 0 }],
    [
      "redis://10.0.0.7:7000/3",
      { ...plain, kind: "server", at: { host: "10.0.0.7", port: 7000 }, database: 3 },
    ],
    ["redis://[::1]:7000/", { ...plain, kind: "server", at: { host: "::1", port: 7000 }, database: 0 }],
    [
      "rediss://app:p%40ss%2F%25@cache.example:6380",
      {
        tls: true,
        credentials: { username: "app", password: "p@ss/%" },
        kind: "server",
        at: { host: "cache.example", port: 6380 },
        database: 0,
      },
    ],
    [
      "redis://:a:b@c@cache",
      {
        tls: false,
        credentials: { username: null, password: "a:b@c" },
        kind: "server",
        at: { host: "cache", port: 6379 },
        database: 0,
      },
    ],
    [
      "redis+sentinel://one,two:5000,[fd00::3]/my%20master/2",
      {
        ...plain,
        kind: "sentinel",
        hosts: [
          { host: "one", port: 26_379 },
          { host: "two", port: 5000 },
          { host: "fd00::3", port: 26_379 },
        ],
        master: "my master",
        database: 2,
      },
    ],
    [
      "rediss+cluster://u:p@one:7001,two",
      {
        tls: true,
        credentials: { username: "u", password: "p" },
        kind: "cluster",
        hosts: [
          { host: "one", port: 7001 },
          { host: "two", port: 6379 },
        ],
      },
    ],
  ])("%s says what it means", (url, expected) => {
    expect(redisAddress(url)).toEqual(expected);
  });

  test.each([
    "",
    "redis:/cache",
    "http://cache",
    "REDIS://cache",
    "redis://",
    "redis:///1",
    "redis://one,two",
    "redis://cache:0",
    "redis://cache:65536",
    "redis://cache:port",
    "redis://cache/one",
    "redis://cache/1/2",
    "redis://cache?db=1",
    "redis://cache#1",
    "redis://user@cache",
    "redis://user:@cache",
    "redis://user:100%@cache",
    "redis://us er:secret@ca che",
    "redis+sentinel://one",
    "redis+sentinel://one/",
    "redis+sentinel://one,/main",
    "redis+sentinel://one/main/2/3",
    "redis+cluster://one/1",
    "redis+cluster://one,",
    " redis://cache",
    "redis://cache\n",
  ])("%j is refused", (url) => {
    expect(() => redisAddress(url)).toThrow(TypeError);
    expect(() => redisAddress(url)).toThrow(/^"url" /);
  });

  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
  );
  const port = fc.integer({ min: 1, max: 65_535 });
  const hosts = fc.array(fc.tuple(host, port), { minLength: 1, maxLength: 5 });
  const word = fc.string({ minLength: 1, unit: "grapheme" });

  test("brings back any user, password, host, port and master that it was made of", () => {
    fc.assert(
      fc.property(word, word, hosts, word, fc.nat(99), (username, password, at, master, database) => {
        const who = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
        const list = at.map((pair) => pair.join(":")).join(",");
        const url = `rediss+sentinel://${who}@${list}/${encodeURIComponent(master)}/${database}`;
        expect(redisAddress(url)).toEqual({
          tls: true,
          kind: "sentinel",
          credentials: { username, password },
          hosts: at.map(([name, number]) => ({ host: name.replace(/^\[|\]$/g, ""), port: number })),
          master,
          database,
        });
      }),
    );
  });

  test("is read or refused, whatever it is, and what is said of it shows nothing of it", () => {
    const anything = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.constantFrom("redis://", "rediss+cluster://", "redis+sentinel://"), fc.string())
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(anything, (url) => {
        const text = failure(() => redisAddress(url));
        expect(text === "" || text.startsWith('TypeError: "url" ')).toBe(true);
      }),
    );
    const password = "correct-horse-battery";
    for (const url of [`redis://u:${password}%@h`, `redis://u:${password}@h:1/x`, `ftp://u:${password}@h`])
      expect(failure(() => redisAddress(url))).not.toContain(password);
  });
});

describe("a store in Redis is refused at construction", () => {
  const url = "redis://127.0.0.1:1";
  test.each(["", "two words", "a:b", "{a}", "a".repeat(65), "é"])(
    "for an application named %j",
    (application) => {
      expect(() => redisStore({ url, application })).toThrow(/^"application" /);
    },
  );

  test("for certificates where the address is without TLS, and for broken ones", () => {
    expect(() => redisStore({ url, application: "store", tls: {} })).toThrow(/^"tls" /);
    const tls = { key: "-----BEGIN PRIVATE KEY-----\nbroken\n-----END PRIVATE KEY-----\n" };
    expect(() => redisStore({ url: "rediss://127.0.0.1:1", application: "store", tls })).toThrow(/^"tls" /);
  });

  test("but not for a server that can't be reached: that is for the first call to say", async () => {
    const store = redisStore({ url, application: "store" });
    await expect(store.readSignIn("sign-in-1")).rejects.toThrow("Redis did not do it: ECONNREFUSED.");
    await store.close();
  });
});

function failure(act: () => unknown): string {
  try {
    act();
    return "";
  } catch (error) {
    return inspect(error, { depth: null });
  }
}
