// Forgets refresh tokens that have ended, failures that count no more and devices long unused, a bounded number at a time, so
// that the database does not grow for ever and no sweep holds up requests. What is over counts for nothing whether it was swept or
// not. Revokes what another process owed when it crashed.

import type { Provider } from "./provider.ts";

const EVERY_MS = 60_000;
const AT_MOST = 1_000;
const PAUSE_MS = 50;

/** Sweeps every minute without keeping the process alive; answers what stops it. */
export function startSweeping({ store, publish }: Pick<Provider, "store" | "publish">): () => void {
  let timer: NodeJS.Timeout;
  let stopped = false;
  const sweepIn = (ms: number): void => {
    if (stopped) return;
    timer = setTimeout(() => void sweep().then(sweepIn), ms);
    timer.unref();
  };
  // Where as many were found as may be, there may be more: a minute later it could be so for ever.
  const sweep = async (): Promise<number> => {
    try {
      await store.refreshTokens.revokeOwed();
      const refreshTokens = await store.refreshTokens.sweep(AT_MOST);
      if (refreshTokens > 0) publish({ type: "swept", refreshTokens });
      const swept = [
        refreshTokens,
        await store.attempts.sweep(AT_MOST),
        await store.knownDevices.sweep(AT_MOST),
      ];
      return Math.max(...swept) < AT_MOST ? EVERY_MS : PAUSE_MS;
    } catch (error) {
      // The next minute tries again; nothing depends on it.
      if (stopped) return EVERY_MS;
      const name = error instanceof Error ? error.name : "unknown";
      publish({ type: "failed", name, code: null, path: null });
      return EVERY_MS;
    }
  };
  sweepIn(EVERY_MS);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
