/** Where the sessions of a history are kept: in memory, or on a server that is emptied before each history. */
import { memoryStore, type SessionStore } from "../../packages/session/src/index.ts";

/** Stores for one history after the other. */
export interface Stores {
  /** Forgets what the history before has left. */
  empty(): Promise<void>;
  /** The store of an application, for as long as the history goes on. */
  open(application: string): SessionStore;
  /** True: a call goes over a socket, and nothing else goes on until it is answered. */
  readonly areElsewhere: boolean;
}

/** A new store in memory for each application of each history. */
export const memoryStores: Stores = {
  empty: () => Promise.resolve(),
  open: () => memoryStore(),
  areElsewhere: false,
};

/** Stores that outlive the histories, which `empty` empties; whoever made them closes them. */
export function lastingStores(
  stores: Readonly<Record<string, SessionStore>>,
  empty: () => Promise<unknown>,
): Stores {
  return {
    empty: async () => void (await empty()),
    open(application) {
      const store = stores[application];
      if (store === undefined) throw new Error(`there is no store for ${application}`);
      return { ...store, close: () => Promise.resolve() };
    },
    areElsewhere: true,
  };
}
