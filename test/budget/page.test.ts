// What a page may take, counted, not timed: a regression shows here as one more of something, on whatever machine (page.ts does the work).
// Who changes these numbers changes what every page costs.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RedisServer, startRedis } from "../servers/redis.ts";
import { newDatabase } from "../servers/running.ts";
import { answerOf } from "./child.ts";

const patience = 120_000;

/** What is counted of one page. */
interface Counted {
  readonly storeCalls: readonly string[];
  readonly providerCalls: readonly string[];
  readonly crypto: Readonly<Record<string, number>>;
  readonly sql: readonly string[];
  readonly roundTrips: number;
  readonly urls: number;
  readonly redis?: { readonly commands: Readonly<Record<string, number>>; readonly bytes: number };
}

/** Nobody is asked, nothing is hashed, no address is parsed. */
const nothing: Counted = { storeCalls: [], providerCalls: [], crypto: {}, sql: [], roundTrips: 0, urls: 0 };

/** One look-up, which extends the session, too, by the SHA-256 of the cookie. The refresh token stays sealed, nothing is signed. */
const signedIn: Counted = { ...nothing, storeCalls: ["useSession"], crypto: { "hash sha256": 1 } };

/** What `receive` answers to a stranger: a value, and nothing is left to be waited for when the response is written. */
const atOnce = { isWaitedFor: false, isWaitedForAtTheEnd: false, promises: 0 };

/** What it answers to who is signed in: the look-up is waited for, and nothing else; so many promises on each store, its client's with them. */
const afterLookUp = (promises: number) => ({ isWaitedFor: true, isWaitedForAtTheEnd: false, promises });
const promises = { SQLite: 9, Redis: 15, Postgres: 19 };

/** What one page takes on each framework, where the library takes that; ten pages, and no difference between them. */
function onFrameworks(taken: Counted): unknown {
  return {
    // Its ETag is Express's own.
    Express: [{ ...taken, crypto: { ...taken.crypto, "hash sha1": 1 } }],
    Fastify: [taken],
    // A Fetch API request has no path but in its address.
    Hono: [{ ...taken, urls: 1 }],
  };
}

interface Taken {
  readonly signedIn: unknown;
  readonly anonymous: unknown;
  readonly received: unknown;
  readonly together: unknown;
  readonly interval: unknown;
}

function whatPagesTake(store: string, variables: () => Promise<Record<string, string>>): () => Taken {
  let answer: unknown;
  beforeAll(async () => {
    answer = await answerOf("page.ts", { STORE: store, ...(await variables()) });
  }, patience);
  return () => answer as Taken;
}

describe("SQLite", () => {
  const taken = whatPagesTake("SQLite", async () => ({}));

  test("a signed-in page is one SELECT, and writes nothing", () => {
    expect(taken().signedIn).toEqual(onFrameworks({ ...signedIn, sql: ["SELECT sessions"] }));
  });

  test("pages of one turn are looked up in one snapshot", () => {
    const looks = Array.from({ length: 10 }, () => "SELECT sessions");
    expect(taken().together).toEqual(["BEGIN", ...looks, "ROLLBACK"]);
  });

  test("a thousand pages of ten browsers in one interval are one transaction, with an UPDATE a session", () => {
    const updates = Array.from({ length: 10 }, () => "UPDATE sessions");
    expect(taken().interval).toEqual({
      pages: { count: 1_000, statements: ["SELECT sessions"] },
      flushed: ["BEGIN IMMEDIATE", ...updates, "COMMIT, in the log"],
    });
  });

  test("an anonymous page asks nobody, hashes nothing and parses no address", () => {
    expect(taken().anonymous).toEqual(onFrameworks(nothing));
  });

  test("an anonymous page is no promise and makes none, a signed-in one no more than it did", () => {
    expect(taken().received).toEqual({ anonymous: atOnce, signedIn: afterLookUp(promises.SQLite) });
  });
});

describe("Redis", () => {
  let redis: RedisServer | null = null;
  afterAll(() => redis?.remove());
  const taken = whatPagesTake("Redis", async () => {
    redis = await startRedis();
    return { REDIS_URL: redis.url };
  });

  test("a signed-in page is one command of 178 bytes, a script that looks at the limit and moves it", () => {
    // The last two are what the script does.
    const commands = { evalsha: 1, pexpiretime: 1, getex: 1 };
    expect(taken().signedIn).toEqual(onFrameworks({ ...signedIn, redis: { commands, bytes: 178 } }));
  });

  test("pages of one turn are one command", () => {
    expect(taken().together).toEqual({ evalsha: 1, pexpiretime: 10, getex: 1, get: 9 });
  });

  test("an anonymous page sends nothing", () => {
    expect(taken().anonymous).toEqual(onFrameworks({ ...nothing, redis: { commands: {}, bytes: 0 } }));
  });

  test("a signed-in page makes no more promises than it did", () => {
    expect(taken().received).toEqual({ anonymous: atOnce, signedIn: afterLookUp(promises.Redis) });
  });
});

describe("Postgres", () => {
  const taken = whatPagesTake("Postgres", async () => ({ POSTGRES_URL: await newDatabase() }));

  test("a signed-in page is one statement and one round trip, and writes nothing", () => {
    expect(taken().signedIn).toEqual(onFrameworks({ ...signedIn, sql: ["read-session"], roundTrips: 1 }));
  });

  test("a thousand pages of ten browsers in one interval are one statement", () => {
    expect(taken().interval).toEqual({
      pages: { count: 1_000, statements: ["read-session"] },
      flushed: ["extend-sessions"],
    });
  });

  test("a signed-in page makes no more promises than it did", () => {
    expect(taken().received).toEqual({ anonymous: atOnce, signedIn: afterLookUp(promises.Postgres) });
  });

  test("an anonymous page asks nobody", () => {
    expect(taken().anonymous).toEqual(onFrameworks(nothing));
  });
});
