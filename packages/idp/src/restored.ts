// The database was restored from a backup, or a stand-by took over that lacked its latest commits. Sign-ins go on by themselves: a
// token that is ahead of its row is believed (judgement.ts). What can't be known is what was revoked since the backup; an operator
// decides, and this file keeps what he decided, and that tokens were ahead at all.

import type { ResolvedConfig } from "./config.ts";
import { revokeTokens } from "./revocation.ts";
import type { Provider } from "./provider.ts";
import type { Store } from "./store/store.ts";

/** "revive": everybody stays signed in, who was signed out since the backup, too. "new-epoch": everybody signs in again. */
export type RestoreChoice = "revive" | "new-epoch";

/** What an operator decided; kept as a note in the database. */
export interface Restoration {
  choice: RestoreChoice;
  /** When he began, epoch milliseconds. */
  at: number;
  /** False: it was broken off, and goes on when it is asked for again. */
  done: boolean;
  /** Ids of the applications whose sign-ins have ended. */
  applications: string[];
}

/** What a database knows of having been restored. */
export interface RestoreNotes {
  decided: Restoration | null;
  /** When a refresh token was last ahead of its row, to ten seconds; null if none ever was. */
  aheadAt: number | null;
}

const DECIDED = "restored";
const AHEAD = "refresh-token-went-forward";

/** The notes of this database. */
export async function restoreNotes({ store }: Pick<Provider, "store">): Promise<RestoreNotes> {
  const decided = await store.note(DECIDED);
  const ahead = await store.note(AHEAD);
  return {
    decided: decided === null ? null : JSON.parse(decided),
    aheadAt: ahead === null ? null : Number(ahead),
  };
}

/**
 * Carries out what was decided and answers it, with the number of sign-ins that ended now. Other nodes may serve meanwhile. The same
 * choice again changes nothing, but completes what was broken off; `again` says that the database was restored once more.
 */
export async function restored(
  provider: Provider,
  choice: RestoreChoice,
  { again = false }: { again?: boolean } = {},
): Promise<{ restoration: Restoration; ended: number; wasDone: boolean }> {
  const { decided } = await restoreNotes(provider);
  const before = decided?.choice === choice && !again ? decided : null;
  if (before?.done === true) return { restoration: before, ended: 0, wasDone: true };
  const restoration = before ?? { choice, at: provider.config.now(), done: false, applications: [] };
  const ended = choice === "new-epoch" ? await endSignIns(provider, restoration) : 0;
  restoration.done = true;
  await note(provider.store, restoration);
  return { restoration, ended, wasDone: false };
}

// An application at a time, each in one step with the event that tells it: what was broken off in between goes on with the next.
async function endSignIns(provider: Provider, restoration: Restoration): Promise<number> {
  const { applications } = provider.store;
  const all = await Promise.all([true, false].map((active) => applications.list({ tenantId: null, active })));
  let ended = 0;
  await note(provider.store, restoration);
  for (const { id: applicationId } of all.flat()) {
    if (restoration.applications.includes(applicationId)) continue;
    ended += await revokeTokens(provider, { applicationId }, "restored", null);
    restoration.applications.push(applicationId);
    await note(provider.store, restoration);
  }
  return ended;
}

function note(store: Store, restoration: Restoration): Promise<void> {
  return store.setNote(DECIDED, JSON.stringify(restoration));
}

/** Keeps that a refresh token was ahead of its row. */
export interface Forwards {
  /** Nobody waits for it, and nobody hears if it could not be written: it is a hint. */
  noticed(): void;
}

// After a restore every sign-in goes forward once: one note of ten seconds says as much as a thousand.
const NOTED_EVERY_MS = 10_000;

/** Notes of this process. */
export function createForwards({ now }: Pick<ResolvedConfig, "now">, store: Store): Forwards {
  let notedAt = Number.NEGATIVE_INFINITY;
  return {
    noticed() {
      const at = now();
      if (at - notedAt < NOTED_EVERY_MS) return;
      notedAt = at;
      void store.setNote(AHEAD, String(at)).catch(() => undefined);
    },
  };
}
