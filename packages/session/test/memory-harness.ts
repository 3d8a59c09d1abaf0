/** The memory store under the conformance suite. Its outage is the end of its process: what comes after it is empty. */
import type { SessionRecord, SignInRecord } from "../src/index.ts";
import type { StoreHarness } from "../src/store/conformance.ts";
import { memoryStore } from "../src/store/memory.ts";

/** Handles are one and the same; a handle goes on with the next process's store. */
export function memoryHarness(): StoreHarness {
  let current = memoryStore();
  const handle = forwarded(() => current);
  return {
    name: "memory",
    keeps: "nothing",
    plantEarlier: null,
    async fresh() {
      current = memoryStore();
    },
    open: async () => handle,
    async plantMalformed(key) {
      // The type system is what keeps such records out; this is what is left when it is got round.
      await current.insertSession({ hash: key, expiresAt: Number.MAX_VALUE } as SessionRecord);
      await current.insertSignIn({ id: key, application: "store", ended: null } as SignInRecord);
    },
    async outage() {
      await current.close();
      return {
        async end() {
          current = memoryStore();
        },
      };
    },
  };
}

function forwarded(current: () => ReturnType<typeof memoryStore>): ReturnType<typeof memoryStore> {
  return {
    insertSession: (session) => current().insertSession(session),
    useSession: (hash, now, idle) => current().useSession(hash, now, idle),
    readSession: (hash, now) => current().readSession(hash, now),
    updateSession: (session) => current().updateSession(session),
    questionSession: (hash, at) => current().questionSession(hash, at),
    deleteSession: (hash) => current().deleteSession(hash),
    insertSignIn: (signIn) => current().insertSignIn(signIn),
    readSignIn: (id) => current().readSignIn(id),
    updateSignIn: (next) => current().updateSignIn(next),
    liveSignIns: (of) => current().liveSignIns(of),
    signInsOwingRevocation: (limit) => current().signInsOwingRevocation(limit),
    sweep: (now) => current().sweep(now),
    close: () => current().close(),
  };
}
