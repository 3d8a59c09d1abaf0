// Forgets refresh tokens that have ended, a bounded number at a time, so that the database does not grow for ever and no sweep
// holds up requests. Never decides whether a token is good: an ended one is refused whether it was swept or not.

import type { Provider } from "./provider.ts";

const EVERY_MS = 60_000;
const AT_MOST = 1_000;

/** Sweeps every minute without keeping the process alive; answers what stops it. */
export function startSweeping({ store, publish }: Pick<Provider, "store" | "publish">): () => void {
  const sweep = async (): Promise<void> => {
    try {
      const refreshTokens = await store.refreshTokens.sweep(AT_MOST);
      if (refreshTokens > 0) publish({ type: "swept", refreshTokens });
    } catch (error) {
      // The next minute tries again; nothing depends on it.
      publish({
        type: "failed",
        name: error instanceof Error ? error.name : "unknown",
        code: null,
        path: null,
      });
    }
  };
  const timer = setInterval(() => void sweep(), EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
