// Whether this process still wants requests. One that is about to end says no while it goes on answering, so that whoever spreads
// requests over several nodes sends it no more and nobody is cut off.

/** Said once: before the end. */
export interface Readiness {
  isDraining(): boolean;
  /** From now on `/api/status` answers 503; everything else goes on. */
  drain(): void;
}

/** A process that is ready. */
export function createReadiness(): Readiness {
  let draining = false;
  return {
    isDraining: () => draining,
    drain() {
      draining = true;
    },
  };
}
