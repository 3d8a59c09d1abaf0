// One attempt to hand an event to its receiver, and what comes of it: taken, tried again, or given up. When there is an attempt is
// decided in delivery.ts, what is sent in receivers.ts.

import type { ResolvedConfig } from "./config.ts";
import { MailRefusedError } from "./errors.ts";
import type { Publish, Telling } from "./events.ts";
import type { OutboxStore } from "./store/store.ts";
import type { Delivery } from "./store/user-event.ts";

/**
 * Hands one event to its receiver: null if it was taken, else why not. May reject; with a MailRefusedError where there is no use in
 * trying again. Must not write.
 */
export type Send = (delivery: Delivery, signal: AbortSignal) => Promise<string | null>;

/** What delivering needs of the provider. */
export interface DeliveryParts {
  config: Pick<ResolvedConfig, "now" | "randomBytes">;
  outbox: OutboxStore;
  publish: Publish;
  send: Send;
}

// The longest that a webhook may ask for is 40 seconds.
const DEADLINE_MS = 45_000;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
const GIVEN_UP_AFTER_MS = 24 * 3_600_000;

/** How long to wait after `attempts` have failed; `random` is in [0, 1). Half of it is chance, so that receivers are not flooded. */
export function pauseMs(attempts: number, random: number): number {
  const full = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 30), LONGEST_PAUSE_MS);
  return Math.round(full * (0.5 + random / 2));
}

/** Makes an attempt and writes down what came of it; once `stopping` is aborted the event is due again at once. */
export async function deliver(
  parts: DeliveryParts,
  delivery: Delivery,
  stopping: AbortSignal,
): Promise<void> {
  const failure = await attempted(parts.send, delivery, stopping);
  if (failure === null) return delivered(parts, delivery);
  if (failure instanceof MailRefusedError) return givenUp(parts, delivery, failure.message);
  if (stopping.aborted) return parts.outbox.postpone(delivery, 0);
  return failed(parts, delivery, failure);
}

async function attempted(
  send: Send,
  delivery: Delivery,
  stopping: AbortSignal,
): Promise<string | MailRefusedError | null> {
  if (stopping.aborted) return "stopped";
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  const deadline = setTimeout(stop, DEADLINE_MS);
  stopping.addEventListener("abort", stop);
  try {
    // A sender that does not heed the signal must not keep its place for ever.
    return await Promise.race([send(delivery, abort.signal), broken(abort.signal)]);
  } catch (error) {
    if (error instanceof MailRefusedError) return error;
    return error instanceof Error ? error.name : "unknown";
  } finally {
    clearTimeout(deadline);
    stopping.removeEventListener("abort", stop);
  }
}

function broken(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve("broken off"), { once: true });
  });
}

async function delivered({ outbox, publish, config }: DeliveryParts, delivery: Delivery): Promise<void> {
  await outbox.finish(delivery);
  publish({ type: "event-delivered", waited: config.now() - delivery.writtenInstant, ...told(delivery) });
}

async function failed(parts: DeliveryParts, delivery: Delivery, failure: string): Promise<void> {
  const { outbox, publish, config } = parts;
  if (config.now() - delivery.writtenInstant >= GIVEN_UP_AFTER_MS) return givenUp(parts, delivery, failure);
  const pause = pauseMs(delivery.attempts, config.randomBytes(4).readUInt32BE() / 2 ** 32);
  await outbox.postpone(delivery, pause);
  const waited = config.now() - delivery.writtenInstant;
  publish({ type: "event-not-delivered", failure, pause, waited, ...told(delivery) });
}

async function givenUp(
  { outbox, publish, config }: DeliveryParts,
  delivery: Delivery,
  failure: string,
): Promise<void> {
  await outbox.finish(delivery);
  const waited = config.now() - delivery.writtenInstant;
  publish({ type: "event-given-up", failure, waited, ...told(delivery) });
}

function told({ receiver, event, attempts }: Delivery): Telling {
  return { receiver, eventId: event.id, eventType: event.type, attempts };
}
