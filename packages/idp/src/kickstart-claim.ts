// Who fills an empty database from a kickstart: one process, also when several start on it at once. A note in the database says
// who it is and when he was last seen. Whoever finds a fresh one waits; an old one is a crash, and all is begun anew.

import { setTimeout as pause } from "node:timers/promises";
import type { ResolvedConfig } from "./config.ts";
import { StoreUnavailableError } from "./errors.ts";
import type { Store } from "./store/store.ts";

/** The right to fill the database. */
export interface KickstartClaim {
  /** Says that the process is alive; throws StoreUnavailableError if another one took over. */
  renew(): Promise<void>;
  /** Says that everything is in. */
  applied(): Promise<void>;
  /** Empties the database again, unless everything is in or another process took over. */
  abandon(): Promise<void>;
}

const NOTE = "kickstart";

// Longer than any one request of a kickstart, of which an import of passwords in clear takes longest.
const FRESH_MS = 15_000;
const LOOK_AGAIN_MS = 100;

/**
 * The claim, if there is a kickstart and the database is empty, else null. Waits while another process fills the database, and
 * empties one in which that was interrupted. Comes before anything else is created.
 */
export async function claimKickstart(config: ResolvedConfig, store: Store): Promise<KickstartClaim | null> {
  for (;;) {
    await othersAreDone(config, store);
    if (config.kickstart === null) return null;
    const note = startedNote(config);
    if (await store.claim(NOTE, note)) return claimOf(config, store, note);
    if (startedAt(await store.note(NOTE)) === null) return null;
  }
}

async function othersAreDone({ now }: ResolvedConfig, store: Store): Promise<void> {
  for (;;) {
    const note = await store.note(NOTE);
    const at = startedAt(note);
    if (note === null || at === null) return;
    if (Math.abs(now() - at) < FRESH_MS) await pause(LOOK_AGAIN_MS);
    else await store.clearIf(NOTE, note);
  }
}

function claimOf(config: ResolvedConfig, store: Store, first: string): KickstartClaim {
  let note = first;
  const replace = async (next: string): Promise<void> => {
    if (!(await store.replaceNote(NOTE, note, next))) {
      throw new StoreUnavailableError(new Error("Another process took over the kickstart"));
    }
    note = next;
  };
  return {
    renew: () => replace(startedNote(config)),
    applied: () => replace("applied"),
    async abandon() {
      if (note !== "applied") await store.clearIf(NOTE, note);
    },
  };
}

function startedNote({ now, uuid }: ResolvedConfig): string {
  return `started ${now()} ${uuid()}`;
}

/** When the kickstart was last seen going on; null if none is. */
function startedAt(note: string | null): number | null {
  const [word, at] = note?.split(" ") ?? [];
  return word === "started" ? Number(at ?? 0) : null;
}
