// What stands around a store: each call is answered or rejects in time, once; a row of missed answers opens the circuit of calls of that
// kind alone; nothing is asked twice; and what watches over it costs nothing while nobody looks.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { longestPause, mostMissed } from "../src/circuit.ts";
import {
  createSessions,
  memoryStore,
  type SessionStore,
  SessionStoreUnavailableError,
  sqliteStore,
} from "../src/index.ts";
import { guarded } from "../src/store/guard.ts";
import { type Clock, clock as newClock } from "./clock.ts";
import { faultyStore, type FaultyStore, type Spoil } from "./faulty-store.ts";
import { cookieKey, sessionRecord, signInRecord, start } from "./records.ts";

const heard: { type: string }[] = [];
const circuits = () => heard.filter(({ type }) => type.startsWith("circuit"));

interface Guarded {
  readonly store: SessionStore;
  readonly faulty: FaultyStore;
  readonly clock: Clock;
  /** Methods that were really called. */
  readonly asked: string[];
}

let open: SessionStore | null = null;
afterEach(async () => {
  heard.length = 0;
  await open?.close();
  open = null;
});

function guard(spoil: Spoil | null = null): Guarded {
  const faulty = faultyStore(memoryStore());
  const asked: string[] = [];
  const watched = (inner: Spoil | null): Spoil => {
    return (reach, method) => {
      asked.push(method);
      return inner === null ? reach() : inner(reach, method);
    };
  };
  const clock = newClock(start);
  const publish = (event: { type: string }) => void heard.push(event);
  const store = guarded(faulty, { deadline: 30, elapsed: clock.now, publish });
  faulty.spoil = watched(spoil);
  open = store;
  const switching: FaultyStore = new Proxy(faulty, {
    set(_, __, value: Spoil | null) {
      faulty.spoil = watched(value);
      return true;
    },
  });
  return { store, faulty: switching, clock, asked };
}

const refusing: Spoil = () => Promise.reject(new Error("connection refused"));

async function failure(call: Promise<unknown>): Promise<SessionStoreUnavailableError> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SessionStoreUnavailableError)) throw new Error(`not an outage: ${String(error)}`);
  return error;
}

test("whatever a store throws is an outage that keeps its cause, and says when to come back", async () => {
  const folder = await mkdtemp(join(tmpdir(), "latchkey-"));
  const closed = sqliteStore({ path: join(folder, "sessions.sqlite") });
  await closed.close();
  const calls: ((store: SessionStore) => Promise<unknown>)[] = [
    (store) => store.insertSession(sessionRecord()),
    (store) => store.useSession("hash-1", start, 1),
    (store) => store.readSession("hash-1", start),
    (store) => store.updateSession(sessionRecord()),
    (store) => store.questionSession("hash-1", start),
    (store) => store.deleteSession("hash-1"),
    (store) => store.insertSignIn(signInRecord()),
    (store) => store.readSignIn("sign-in-1"),
    (store) => store.updateSignIn(signInRecord()),
    (store) => store.liveSignIns({ application: "store", userId: null, after: null, limit: 1 }),
    (store) => store.signInsOwingRevocation(1),
    (store) => store.sweep(start),
  ];
  const store = guarded(closed, { deadline: 1_000, elapsed: () => start, publish: () => {} });
  for (const call of calls) {
    const error = await failure(call(store));
    expect(error).toMatchObject({ code: "session-store-unavailable", status: 503, retryAfter: 1 });
    expect(error.cause).toBeInstanceOf(Error);
  }
  await rm(folder, { recursive: true });
});

test("a call that hangs rejects in time, and what it says later is heard by nobody", async () => {
  const late = Promise.withResolvers<unknown>();
  const { store, asked } = guard(() => late.promise);
  const error = await failure(store.readSignIn("sign-in-1"));
  expect(error.cause).toMatchObject({ message: "readSignIn took longer than 30 ms" });
  // An unhandled rejection would fail this test file.
  late.reject(new Error("connection reset"));
  await new Promise(setImmediate);
  expect(asked).toEqual(["readSignIn"]);
});

test("nothing is asked twice, whatever comes of it", async () => {
  const { store, asked } = guard(refusing);
  await failure(store.updateSignIn(signInRecord()));
  await failure(store.insertSession(sessionRecord()));
  expect(asked).toEqual(["updateSignIn", "insertSession"]);
});

test("once the circuit is open nothing is asked; after the pause one call is, and the others of that instant are not", async () => {
  const { store, asked, clock, faulty } = guard(refusing);
  for (let missed = 0; missed < mostMissed; missed++) await failure(store.useSession("h", start, 1));
  asked.length = 0;
  const error = await failure(store.useSession("h", start, 1));
  expect(error.message).toBe("The session store is not asked for a moment.");
  expect(error.cause).toMatchObject({ message: "connection refused" });
  expect(asked).toEqual([]);
  clock.pass(longestPause, "milliseconds");
  faulty.spoil = null;
  const answers = await Promise.allSettled(Array.from({ length: 50 }, () => store.useSession("h", start, 1)));
  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(asked).toEqual(["useSession"]);
  expect(await store.useSession("h", start, 1)).toBeNull();
});

test("a store that can't write, or has its sign-ins locked, goes on being read: each kind of call has a circuit of its own", async () => {
  const { store, asked } = guard((reach, method) =>
    method === "updateSignIn" ? refusing(reach, method) : reach(),
  );
  await store.insertSignIn(signInRecord());
  for (let missed = 0; missed < 2 * mostMissed; missed++) {
    await failure(store.updateSignIn(signInRecord({ version: 1 })));
    expect(await store.insertSession(sessionRecord({ hash: `h${missed}` }))).toBe(true);
    expect(await store.useSession(`h${missed}`, start, 1)).not.toBeNull();
    expect(await store.readSignIn("sign-in-1")).not.toBeNull();
  }
  expect(asked.filter((method) => method === "updateSignIn")).toHaveLength(mostMissed);
});

test("a store that flaps is used while it answers, and gives every caller one of two things", async () => {
  let turn = 0;
  const { store, clock } = guard((reach, method) => (turn++ % 12 < 6 ? refusing(reach, method) : reach()));
  let served = 0;
  for (let asked = 0; asked < 500; asked++) {
    clock.pass(100, "milliseconds");
    const [answer] = await Promise.allSettled([store.useSession("h", start, 1)]);
    if (answer.status === "fulfilled") served++;
    else await failure(Promise.reject(answer.reason));
  }
  expect(served).toBeGreaterThan(50);
});

test("to listeners the store is one: opened once, closed when all of it answers again", async () => {
  const { store, clock, faulty } = guard(refusing);
  for (let missed = 0; missed < mostMissed; missed++) {
    await failure(store.useSession("h", start, 1));
    await failure(store.insertSignIn(signInRecord()));
  }
  expect(circuits()).toEqual([{ type: "circuit-opened", what: "session-store" }]);
  faulty.spoil = null;
  clock.pass(longestPause, "milliseconds");
  await store.useSession("h", start, 1);
  expect(circuits()).toHaveLength(1);
  await store.insertSignIn(signInRecord());
  expect(circuits().slice(1)).toEqual([{ type: "circuit-closed", what: "session-store" }]);
});

test("calls are told with what came of them", async () => {
  const { store, faulty } = guard();
  await store.readSignIn("sign-in-1");
  faulty.spoil = refusing;
  await failure(store.readSignIn("sign-in-1"));
  faulty.spoil = () => new Promise(() => {});
  await failure(store.readSignIn("sign-in-1"));
  faulty.spoil = async () => ({ id: "sign-in-1" });
  for (let missed = 2; missed < mostMissed; missed++) await failure(store.readSignIn("sign-in-1"));
  await failure(store.readSignIn("sign-in-1"));
  const called = { type: "store-called", call: "readSignIn", milliseconds: 0 };
  expect(heard.filter(({ type }) => type === "store-called")).toEqual(
    ["answered", "failed", "timed-out", "failed", "failed", "failed", "not-asked"].map((outcome) => ({
      ...called,
      outcome,
    })),
  );
});

test("where nobody listens, a call is neither timed nor told", async () => {
  // In a process of its own: here the watch for leaks listens.
  const source = new URL("../src/", import.meta.url).href;
  const script = `
    import { memoryStore } from "${source}store/memory.ts";
    import { guarded } from "${source}store/guard.ts";
    let looked = 0;
    const elapsed = () => looked++;
    const store = guarded(memoryStore(), { deadline: 1000, elapsed, publish: () => looked++ });
    for (let asked = 0; asked < 100; asked++) await store.useSession("h", 0, 1);
    await store.close();
    console.log(looked);
  `;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script]);
  expect(stdout).toBe("0\n");
});

test("what was asked before the store is closed is answered", async () => {
  const folder = await mkdtemp(join(tmpdir(), "latchkey-"));
  const sqlite = sqliteStore({ path: join(folder, "sessions.sqlite") });
  const store = guarded(sqlite, { deadline: 1_000, elapsed: () => start, publish: () => {} });
  await store.insertSession(sessionRecord());
  const asked = [store.useSession("hash-1", start, 1), store.deleteSession("hash-2")];
  await store.close();
  expect(await Promise.all(asked)).toEqual([sessionRecord(), undefined]);
  await rm(folder, { recursive: true });
});

test("closing takes no longer than five deadlines, whatever the store does", async () => {
  const hanging = { ...memoryStore(), close: () => new Promise<void>(() => {}) };
  const store = guarded(hanging, { deadline: 20, elapsed: () => start, publish: () => {} });
  expect((await failure(store.close())).cause).toMatchObject({ message: "close took longer than 100 ms" });
});

test.each(["1s", "250ms", "1m"] as const)("%s is a deadline for the store", async (storeDeadline) => {
  const sessions = createSessions({ ...options(), storeDeadline });
  expect(await sessions.status()).toEqual({ store: "up", provider: "up" });
  await sessions.close();
});

test.each(["", "0s", "0ms", "1", "61s", "2m", "99999ms", "-5s", "fast"])(
  "%j is no deadline for the store",
  (storeDeadline) => {
    expect(() => createSessions({ ...options(), storeDeadline: storeDeadline as "1s" })).toThrow(
      /"storeDeadline"/,
    );
  },
);

function options() {
  return {
    application: "store",
    origin: "https://shop.example.com",
    identityProvider: {
      url: "https://id.example.com",
      applicationId: "10000000-0000-4000-8000-000000000001",
      apiKey: "the key of the API",
      clientSecret: "the secret of the client",
      deadline: 100,
      fetch: async (): Promise<Response> => new Response(null, { status: 200 }),
    },
    cookieKeys: [cookieKey("2026a")],
    publicPaths: [],
    store: memoryStore(),
    now: (): number => start,
  };
}

test.each([
  [200, "up"],
  [401, "up"],
  [403, "up"],
  [404, "down"],
  [500, "down"],
  [503, "down"],
] as const)("a provider that answers its status with %i is %s", async (status, provider) => {
  const given = options();
  const fetch = async () => new Response(null, { status });
  const sessions = createSessions({ ...given, identityProvider: { ...given.identityProvider, fetch } });
  expect(await sessions.status()).toEqual({ store: "up", provider });
  await sessions.close();
});

test("the status is looked at once for all who ask at once, and is kept for a second", async () => {
  const clock = newClock(start);
  const given = options();
  const fetch = vi.fn(given.identityProvider.fetch);
  const identityProvider = { ...given.identityProvider, fetch };
  const sessions = createSessions({ ...given, identityProvider, now: clock.now });
  const looks = await Promise.all(Array.from({ length: 50 }, () => sessions.status()));
  expect(new Set(looks)).toEqual(new Set([{ store: "up", provider: "up" }]));
  clock.pass(999, "milliseconds");
  await sessions.status();
  expect(fetch).toHaveBeenCalledOnce();
  clock.pass(1, "milliseconds");
  await sessions.status();
  expect(fetch).toHaveBeenCalledTimes(2);
  await sessions.close();
});

test("the status takes a second at most, and does not take a slow provider for a dead one", async () => {
  const given = options();
  const answered = Promise.withResolvers<Response>();
  const fetch = vi.fn(() => answered.promise);
  const identityProvider = { ...given.identityProvider, deadline: 20_000, fetch };
  const clock = newClock(start);
  const sessions = createSessions({ ...given, identityProvider, now: clock.now });
  const started = performance.now();
  expect(await sessions.status()).toEqual({ store: "up", provider: "down" });
  expect(performance.now() - started).toBeLessThan(3_000);
  answered.resolve(new Response());
  for (let looked = 0; looked < mostMissed; looked++) {
    clock.pass(1, "seconds");
    expect(await sessions.status()).toEqual({ store: "up", provider: "up" });
  }
  await sessions.close();
});
