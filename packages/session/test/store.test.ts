// Both stores keep the contract whole; what they throw reads as an outage.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SessionStoreUnavailableError } from "../src/errors.ts";
import { memoryStore } from "../src/store/memory.ts";
import { reportOutages } from "../src/store/outage.ts";
import { sqliteStore } from "../src/store/sqlite.ts";
import { sessionRecord, signInRecord, start } from "./records.ts";
import { storeContract } from "./store-contract.ts";

storeContract("memory", async () => {
  const store = memoryStore();
  return { store, dispose: () => store.close() };
});

storeContract("SQLite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "latchkey-"));
  const store = sqliteStore({ path: join(folder, "sessions.sqlite") });
  const dispose = async () => {
    await store.close();
    await rm(folder, { recursive: true });
  };
  return { store, dispose };
});

test("whatever a store throws is an outage that keeps its cause", async () => {
  const folder = await mkdtemp(join(tmpdir(), "latchkey-"));
  const closed = sqliteStore({ path: join(folder, "sessions.sqlite") });
  await closed.close();
  const store = reportOutages(closed);
  const calls = [
    store.insertSession(sessionRecord()),
    store.useSession("hash-1", start, 1),
    store.updateSession(sessionRecord()),
    store.deleteSession("hash-1"),
    store.insertSignIn(signInRecord()),
    store.readSignIn("sign-in-1"),
    store.updateSignIn(signInRecord()),
    store.signInsOfUser("user-1"),
    store.signInsOwingRevocation(1),
    store.sweep(start),
    store.close(),
  ];
  for (const call of await Promise.allSettled(calls)) {
    expect(call.status).toBe("rejected");
    const reason: unknown = call.status === "rejected" ? call.reason : null;
    expect(reason).toBeInstanceOf(SessionStoreUnavailableError);
    expect(reason).toHaveProperty("cause", expect.any(Error));
  }
  await rm(folder, { recursive: true });
});
