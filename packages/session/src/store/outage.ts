/** Whatever a store throws means one thing to the rest of the package: the store is down. */
import { SessionStoreUnavailableError } from "../errors.ts";
import type { SessionStore } from "./store.ts";

/** The same store, every exception of which is a SessionStoreUnavailableError that keeps its cause. */
export function reportOutages(store: SessionStore): SessionStore {
  const call =
    <Arguments extends unknown[], Result>(method: (...given: Arguments) => Promise<Result>) =>
    async (...given: Arguments): Promise<Result> => {
      try {
        return await method.apply(store, given);
      } catch (cause) {
        throw new SessionStoreUnavailableError("The session store did not answer.", { cause });
      }
    };
  return {
    insertSession: call(store.insertSession),
    useSession: call(store.useSession),
    updateSession: call(store.updateSession),
    deleteSession: call(store.deleteSession),
    insertSignIn: call(store.insertSignIn),
    readSignIn: call(store.readSignIn),
    updateSignIn: call(store.updateSignIn),
    signInsOfUser: call(store.signInsOfUser),
    signInsOwingRevocation: call(store.signInsOwingRevocation),
    sweep: call(store.sweep),
    close: call(store.close),
  };
}
