// What sessions do by themselves every 30 seconds: forget what is over, pay what is owed; and never end the process.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createSessions, memoryStore, type Sessions, sessionChannel } from "../src/index.ts";
import { ended } from "../src/judgement.ts";
import { cookieKey, day, sessionRecord, signInRecord, start } from "./records.ts";
import { type WatchedStore, watchedStore } from "./watched-store.ts";

let store: WatchedStore;
let sessions: Sessions;
const calls: string[] = [];
let answer: () => Promise<Response>;
const events: unknown[] = [];
const listen = (event: unknown) => void events.push(event);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  subscribe(sessionChannel, listen);
  store = watchedStore(memoryStore);
  answer = async () => new Response();
  calls.length = 0;
  events.length = 0;
  sessions = createSessions({
    application: "store",
    origin: "https://shop.example.com",
    identityProvider: {
      url: "https://id.example.com",
      applicationId: "10000000-0000-4000-8000-000000000001",
      apiKey: "the key of the API",
      clientSecret: "the secret of the client",
      fetch: ({ method, url }) => {
        calls.push(`${method} ${new URL(url).pathname}`);
        return answer();
      },
    },
    cookieKeys: [cookieKey("2026a")],
    publicPaths: [],
    store,
    now: () => start + day,
  });
});

afterEach(async () => {
  await sessions.close();
  unsubscribe(sessionChannel, listen);
  vi.useRealTimers();
});

/** Lets half a minute pass, and waits until this shows. */
async function halfAMinuteUntil(shows: () => void): Promise<void> {
  vi.advanceTimersByTime(30_000);
  await vi.waitFor(shows, 10_000);
}

test("forgets what is over", async () => {
  await store.insertSession(sessionRecord({ expiresAt: start + 1 }));
  await store.insertSignIn(signInRecord({ absoluteExpiresAt: start + day }));
  await halfAMinuteUntil(() => expect(store.calls).toContain("signInsOwingRevocation"));
  expect(await store.readSignIn("sign-in-1")).toBeNull();
});

test("pays what is owed, once", async () => {
  const signIn = signInRecord({ absoluteExpiresAt: start + 2 * day });
  await store.insertSignIn(ended(signIn, "signed-out", true, start));
  await halfAMinuteUntil(() =>
    expect(events).toContainEqual(expect.objectContaining({ type: "revocation-paid" })),
  );
  expect(calls).toEqual(["DELETE /api/jwt/refresh/sign-in-1"]);
  expect(await store.signInsOwingRevocation(1)).toEqual([]);
});

test.each([
  ["refuses connections", () => Promise.reject(new TypeError("fetch failed"))],
  ["answers 500", async () => new Response(null, { status: 500 })],
  ["is hidden behind a gateway's 404 page", async () => new Response("<h1>Not found</h1>", { status: 404 })],
])("goes on owing while the provider %s", async (_, failing) => {
  answer = failing;
  const signIn = signInRecord({ absoluteExpiresAt: start + 2 * day });
  await store.insertSignIn(ended(signIn, "signed-out", true, start));
  await halfAMinuteUntil(() =>
    expect(events).toContainEqual(expect.objectContaining({ type: "revocation-owed" })),
  );
  expect(await store.signInsOwingRevocation(1)).toHaveLength(1);
  answer = async () => new Response();
  await halfAMinuteUntil(() =>
    expect(events).toContainEqual(expect.objectContaining({ type: "revocation-paid" })),
  );
});

test("does not start again while the provider keeps it waiting", async () => {
  await store.insertSignIn(
    ended(signInRecord({ absoluteExpiresAt: start + 90 * day }), "signed-out", true, start),
  );
  const waiting = Promise.withResolvers<Response>();
  answer = () => waiting.promise;
  await halfAMinuteUntil(() => expect(calls).toHaveLength(1));
  vi.advanceTimersByTime(90_000);
  const again = sessions.maintain();
  waiting.resolve(new Response());
  await again;
  expect(calls).toHaveLength(1);
});

test("counts a family that the provider no longer knows as paid", async () => {
  answer = async () => new Response(null, { status: 404 });
  const signIn = signInRecord({ absoluteExpiresAt: start + 2 * day });
  await store.insertSignIn(ended(signIn, "signed-out", true, start));
  await halfAMinuteUntil(() =>
    expect(events).toContainEqual(expect.objectContaining({ type: "revocation-paid" })),
  );
});

test("says that the store is down, and tries again in half a minute", async () => {
  store.down = true;
  await halfAMinuteUntil(() =>
    expect(events).toContainEqual(
      expect.objectContaining({ type: "unavailable", code: "session-store-unavailable" }),
    ),
  );
  store.down = false;
  store.calls.length = 0;
  await halfAMinuteUntil(() => expect(store.calls).toContain("signInsOwingRevocation"));
});

test("stops when sessions are closed", async () => {
  await sessions.close();
  vi.advanceTimersByTime(120_000);
  expect(store.calls).toEqual([]);
});
