/**
 * When a request arrived: its headers, not the last byte of its body. A framework that reads bodies first shows a request to
 * the library only when a slow upload is over, and by then another tab may have renewed the pair the upload came with.
 */
import { channel } from "node:diagnostics_channel";

/** Arrivals of the requests that are under way. */
export interface Arrivals {
  /** When this request of `node:http` arrived, epoch milliseconds; now for what Node does not tell of (HTTP/2). */
  of(message: object): number;
  /** Stops listening. */
  close(): void;
}

/** Notes arrivals from now on, by this clock. */
export function arrivals(now: () => number): Arrivals {
  const arrived = Symbol("latchkey arrival");
  const started = channel("http.server.request.start");
  const note = (told: unknown) => {
    const { request } = told as { request: { [arrived]?: number } };
    request[arrived] = now();
  };
  started.subscribe(note);
  return {
    of: (message) => (message as { [arrived]?: number })[arrived] ?? now(),
    close() {
      started.unsubscribe(note);
    },
  };
}
