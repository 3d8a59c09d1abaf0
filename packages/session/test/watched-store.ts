/** A store that counts its calls, can be down, and can lose everything (FLUSHALL). */
import type { SessionStore, SignInRecord } from "../src/index.ts";

/** A store under watch. */
export interface WatchedStore extends SessionStore {
  /** Names of the methods called so far. */
  readonly calls: string[];
  /** Hashes of the sessions it was asked to make so far. */
  readonly made: string[];
  /** While true, every call fails as if the store could not be reached. */
  down: boolean;
  /** The last of a user's live sign-ins; throws if there is none. */
  newestSignIn(userId: string): Promise<SignInRecord>;
  /** Loses everything. */
  empty(): Promise<void>;
}

/** Opens a store by its number: the same number leads to the same data. */
export type OpenStore = (number: number) => SessionStore;

/** Watches stores that `open` makes; `empty` closes one and goes on with the next. */
export function watchedStore(open: OpenStore): WatchedStore {
  let number = 0;
  let current = open(number);
  const calls: string[] = [];
  const made: string[] = [];
  const reach = <Result>(name: string, call: (store: SessionStore) => Promise<Result>): Promise<Result> => {
    calls.push(name);
    return watched.down ? Promise.reject(new Error("connection refused")) : call(current);
  };
  const watched: WatchedStore = {
    calls,
    made,
    down: false,
    async empty() {
      await current.close();
      current = open(++number);
    },
    insertSession: (session) => {
      made.push(session.hash);
      return reach("insertSession", (store) => store.insertSession(session));
    },
    useSession: (hash, now, idle) => reach("useSession", (store) => store.useSession(hash, now, idle)),
    readSession: (hash, now) => reach("readSession", (store) => store.readSession(hash, now)),
    updateSession: (session) => reach("updateSession", (store) => store.updateSession(session)),
    questionSession: (hash, at) => reach("questionSession", (store) => store.questionSession(hash, at)),
    deleteSession: (hash) => reach("deleteSession", (store) => store.deleteSession(hash)),
    insertSignIn: (signIn) => reach("insertSignIn", (store) => store.insertSignIn(signIn)),
    readSignIn: (id) => reach("readSignIn", (store) => store.readSignIn(id)),
    updateSignIn: (next) => reach("updateSignIn", (store) => store.updateSignIn(next)),
    async newestSignIn(userId) {
      const live = await current.liveSignIns({ application: "store", userId, after: null, limit: 1_000 });
      const newest = live.at(-1);
      if (newest === undefined) throw new Error("no live sign-in");
      return newest;
    },
    liveSignIns: (of) => reach("liveSignIns", (store) => store.liveSignIns(of)),
    signInsOwingRevocation: (limit) =>
      reach("signInsOwingRevocation", (store) => store.signInsOwingRevocation(limit)),
    sweep: (now) => reach("sweep", (store) => store.sweep(now)),
    close: () => current.close(),
  };
  return watched;
}
