/**
 * Lists of sign-ins: what an index proposes, as the records have it now. Whoever comes upon an entry that its record has done with
 * takes it away.
 */
import { entryOf, idOf, type SignInIndex } from "./redis-index.ts";
import type { LiveSignIns, SessionStore, SignInRecord } from "./store.ts";

/** Entries that are looked at at once where few are asked for: some may lead nowhere. */
const fewest = 10;

type Read = SessionStore["readSignIn"];

/** The methods of many sign-ins. */
export function listingMethods(
  index: SignInIndex,
  read: Read,
): Pick<SessionStore, "liveSignIns" | "signInsOwingRevocation"> {
  const readAll = (entries: readonly string[]) => Promise.all(entries.map((entry) => read(idOf(entry))));

  return {
    async liveSignIns(of) {
      const { userId, after, limit } = of;
      const found: SignInRecord[] = [];
      let from: string | null = index.begin(after);
      while (from !== null && found.length < limit) {
        const { entries, next } = await index.living(userId, from, Math.max(limit - found.length, fewest));
        const signIns = await readAll(entries);
        found.push(...signIns.filter((signIn, place) => isListed(signIn, entries[place], of)));
        for (const signIn of signIns) if (signIn !== null) await index.dismiss(signIn);
        from = next;
      }
      return found.slice(0, limit);
    },

    async signInsOwingRevocation(limit) {
      const found = new Map<string, SignInRecord>();
      let cursor = "0";
      do {
        const { entries, next } = await index.owing(cursor, Math.max(limit, fewest));
        for (const signIn of await readAll(entries)) {
          if (signIn?.revocationOwed === true) found.set(signIn.id, signIn);
          else if (signIn !== null) await index.dismiss(signIn);
        }
        cursor = next;
      } while (cursor !== "0" && found.size < limit);
      return [...found.values()].slice(0, limit);
    },
  };
}

function isListed(
  signIn: SignInRecord | null,
  entry: string | undefined,
  { application, userId }: LiveSignIns,
): signIn is SignInRecord {
  if (signIn === null || signIn.ended !== null || signIn.application !== application) return false;
  // Another entry of the same sign-in leads to it at its own place.
  return entryOf(signIn) === entry && (userId === null || signIn.user.id === userId);
}
