/** Whether store and provider answer, for whoever watches over an application: a look that costs little, however often it is asked for. */
import { LatchkeyError } from "./errors.ts";
import { flights } from "./flights.ts";
import type { Settings } from "./settings.ts";

/** How the parts are that sessions need. */
export interface Status {
  readonly store: "up" | "down";
  readonly provider: "up" | "down";
}

/** Milliseconds a look counts: watchers come often, from several machines. */
const freshness = 1_000;

/** Milliseconds a watcher waits; what has not answered by then is down for now. */
const patience = 1_000;

/** A hash no session has. */
const nobody = "status";

/** A look at both; callers at once share one, and for a second it is kept. */
export function statusOf({ store, provider, now }: Settings): () => Promise<Status> {
  const share = flights<Status>();
  let last: { readonly status: Status; readonly at: number } | null = null;

  const look = async (): Promise<Status> => {
    const [storeAnswers, providerAnswers] = await Promise.all([
      inTime(store.readSession(nobody, now()).then(() => true)),
      inTime(provider.isUp()),
    ]);
    const status = {
      store: storeAnswers ? "up" : "down",
      provider: providerAnswers ? "up" : "down",
    } as const;
    last = { status, at: now() };
    return status;
  };
  return async () => {
    // A clock that was set back must not keep it.
    if (last !== null && now() >= last.at && now() < last.at + freshness) return last.status;
    return share("status", look);
  };
}

/** Whether it answered in time. The call itself goes on to its own deadline, so that a slow provider is not taken for a dead one. */
async function inTime(look: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, patience, false);
  });
  try {
    return await Promise.race([look, late]);
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    return false;
  } finally {
    clearTimeout(timer);
  }
}
