// How old the oldest event is that can't be delivered, as far as this process has tried. An event that fails is tried again within five
// minutes, by whichever node: what has not been tried here for ten is delivered, or another node's to tell of. Time is the events' own.

import type { IdpEvent } from "../events.ts";
import { MAIL } from "../store/user-event.ts";

/** What a receiver is, as metrics have it: which one of them is in the logs. */
export type ReceiverKind = "webhook" | "mail";

/** Called when it changes: `happened` is when the oldest one happened, epoch ms; null where none is known. */
export type OldestChanged = (kind: ReceiverKind, happened: number | null) => void;

interface Undelivered {
  kind: ReceiverKind;
  happened: number;
  triedAt: number;
}

const FORGOTTEN_AFTER_MS = 600_000;

// A receiver that is down for a day must not fill the memory; those that failed first are the oldest.
const AT_MOST = 1_000;

/** What kind of receiver it is. */
export function receiverKind(receiver: string): ReceiverKind {
  return receiver === MAIL ? "mail" : "webhook";
}

/** Hears all events and tells `changed` of the oldest undelivered one of each kind. */
export function undelivered(changed: OldestChanged): (event: IdpEvent) => void {
  const failing = new Map<string, Undelivered>();
  let prunedAt = 0;

  const tell = (kind: ReceiverKind): void => {
    const times = [...failing.values()].filter((one) => one.kind === kind).map(({ happened }) => happened);
    changed(kind, times.length === 0 ? null : Math.min(...times));
  };
  const prune = (now: number): void => {
    prunedAt = now;
    for (const [key, { kind, triedAt }] of failing) {
      if (now - triedAt < FORGOTTEN_AFTER_MS) continue;
      failing.delete(key);
      tell(kind);
    }
  };

  return (event) => {
    if (failing.size > 0 && Math.abs(event.at - prunedAt) >= 60_000) prune(event.at);
    if (event.type === "event-not-delivered") {
      const { at, waited, receiver } = event;
      const key = keyOf(event);
      const kind = receiverKind(receiver);
      if (failing.has(key) || failing.size < AT_MOST)
        failing.set(key, { kind, happened: at - waited, triedAt: at });
      tell(kind);
    }
    if (event.type === "event-delivered" || event.type === "event-given-up") {
      if (failing.delete(keyOf(event))) tell(receiverKind(event.receiver));
    }
  };
}

function keyOf({ receiver, eventId }: { receiver: string; eventId: string }): string {
  return `${receiver} ${eventId}`;
}
