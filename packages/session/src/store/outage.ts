/** Whatever a store throws means one thing to the rest of the package: the store is down. */
import { SessionStoreUnavailableError } from "../errors.ts";
import type { SessionStore } from "./store.ts";

/** The same store, every exception of which is a SessionStoreUnavailableError that keeps its cause. */
export function reportOutages(store: SessionStore): SessionStore {
  return {
    insertSession: (session) => reported(() => store.insertSession(session)),
    useSession: (hash, now, idle) => reported(() => store.useSession(hash, now, idle)),
    readSession: (hash, now) => reported(() => store.readSession(hash, now)),
    updateSession: (session) => reported(() => store.updateSession(session)),
    questionSession: (hash, at) => reported(() => store.questionSession(hash, at)),
    deleteSession: (hash) => reported(() => store.deleteSession(hash)),
    insertSignIn: (signIn) => reported(() => store.insertSignIn(signIn)),
    readSignIn: (id) => reported(() => store.readSignIn(id)),
    updateSignIn: (next) => reported(() => store.updateSignIn(next)),
    signInsOfUser: (userId) => reported(() => store.signInsOfUser(userId)),
    liveSignIns: (of) => reported(() => store.liveSignIns(of)),
    signInsOwingRevocation: (limit) => reported(() => store.signInsOwingRevocation(limit)),
    sweep: (now) => reported(() => store.sweep(now)),
    close: () => reported(() => store.close()),
  };
}

async function reported<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    throw new SessionStoreUnavailableError("The session store did not answer.", { cause });
  }
}
