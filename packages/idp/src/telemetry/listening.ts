// The one way in which this package's own listeners hear events. An exception of a listener on a diagnostics channel ends the
// process; a full disk under a log must not (ASVS 16.5.2), so here it costs a warning.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type IdpEvent, IDP_CHANNEL } from "../events.ts";

/** Calls `heard` with every event, in the publisher's own async context, until the function that comes back is called. */
export function listen(heard: (event: IdpEvent) => void): () => void {
  let warned = false;
  const listener = (message: unknown): void => {
    try {
      heard(message as IdpEvent);
    } catch (error) {
      // Once: what fails, fails for every request.
      if (!warned) process.emitWarning(`A listener of ${IDP_CHANNEL} failed: ${String(error)}`);
      warned = true;
    }
  };
  subscribe(IDP_CHANNEL, listener);
  return () => void unsubscribe(IDP_CHANNEL, listener);
}
