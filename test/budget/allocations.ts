// Program: bytes that the library allocates for a page, by the heap alone and without a collection of garbage in between; answered to
// allocations.test.ts. Started with --expose-gc, young space for all of it, and without an optimizer, which would take away what it can
// whenever it comes to it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GCProfiler } from "node:v8";
import { createSessions, type IncomingRequest, memoryStore, sqliteStore } from "@latchkey/session";
import { cookieKey, sessionRecord, signInRecord, start } from "../../packages/session/test/records.ts";
import { sessionHash } from "../../packages/session/src/session-id.ts";
import { tell } from "./tell.ts";

const application = "store";
const pages = 2_000;
const id = "s".repeat(43);
let now = start;

async function answerOn(store: ReturnType<typeof memoryStore>): Promise<unknown> {
  const sessions = createSessions({
    application,
    origin: "https://store.example.com",
    identityProvider: {
      url: "https://id.example.com",
      applicationId: "10000000-0000-4000-8000-000000000001",
      apiKey: "the key of the API",
      clientSecret: "the secret of the client",
      fetch: () => Promise.reject(new Error("nobody asks the provider")),
    },
    cookieKeys: [cookieKey("2026a")],
    publicPaths: ["/"],
    store,
    now: () => now,
  });
  const hash = sessionHash(application, id);
  await store.insertSignIn(signInRecord({ application, current: hash, presentedAt: start }));
  await store.insertSession(sessionRecord({ hash, presented: true }));
  const signedIn = request("/cart", `__Host-session=${id}`);
  const anonymous = request("/", undefined);
  const answer = {
    signedIn: await bytesEach(async () => (await sessions.receive(signedIn)).kind),
    anonymous: await bytesEach(() => (sessions.receive(anonymous) as { kind: string }).kind),
  };
  await sessions.close();
  return answer;
}

function request(target: string, cookie: string | undefined): IncomingRequest {
  const headers: Record<string, string | undefined> = { cookie };
  return {
    method: "GET",
    target,
    header: (name) => headers[name],
    address: "192.0.2.1",
    arrivedAt: start,
    body: () => null,
  };
}

async function bytesEach(page: () => string | Promise<string>): Promise<number> {
  // Nothing but promises is waited for, so that no timer and no upkeep comes in between; on SQLite a turn of the event loop is, and
  // once or twice in all these pages the extension of the one session is written.
  const run = async () => {
    for (let count = 0; count < pages; count++) {
      now = start + count;
      const kind = page();
      if ((typeof kind === "string" ? kind : await kind) !== "visitor") throw new Error("no page");
    }
  };
  // Twice, for what is made once.
  await run();
  await run();
  gc?.();
  const collections = new GCProfiler();
  collections.start();
  const before = process.memoryUsage().heapUsed;
  await run();
  const bytes = (process.memoryUsage().heapUsed - before) / pages;
  if (collections.stop()?.statistics.length !== 0) throw new Error("Garbage was collected in between");
  return bytes;
}

const folder = mkdtempSync(join(tmpdir(), "latchkey-budget-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const memory = await answerOn(memoryStore());
const sqlite = await answerOn(sqliteStore({ path: join(folder, "sessions.sqlite") }));
tell({ memory, sqlite });
