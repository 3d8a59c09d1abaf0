/** The invariants, each asked of one answer. A sentence says what was broken; `null` that nothing was. */
import type { Session } from "../../packages/session/src/index.ts";
import type { Party } from "./parties.ts";
import { absoluteLimit, type Pair, providerRest, reasonToAsk, revalidateAfter, window } from "./truth.ts";

/** A request, as far as it matters what came of it. */
export interface Asked {
  readonly party: Party;
  readonly application: number;
  /** The pair whose session id it carried. */
  readonly presented: Pair | null;
  /** Its place in the history, and the clock, when it was sent. */
  readonly order: number;
  readonly sentAt: number;
}

/** When the provider could be reached. */
export interface Reach {
  readonly isDown: boolean;
  /** Clock and ordinal of the last time it came back. */
  readonly upAt: number;
  readonly upSince: number;
}

/** Whether the provider could be asked all the time a request took, and nobody left it alone any more. */
export function reachable({ isDown, upAt, upSince }: Reach, { order, sentAt }: Asked): boolean {
  return !isDown && upSince < order && sentAt >= upAt + providerRest;
}

/** Whether somebody was let in who must not be. */
export function letInWrongly(found: Session, asked: Asked, reach: Reach): string | null {
  const { party, presented, application, order, sentAt } = asked;
  if (presented === null) return "a session id nobody was given opens a page";
  const { signIn } = presented;
  if (application !== signIn.application) return "one application's cookies open a page of the other";
  if (found.signInId !== signIn.id || found.user.id !== signIn.person.id)
    return "it answers for somebody else";
  if (found.authenticatedAt !== signIn.authenticatedAt) return "the time of authentication moved";
  if (sentAt >= absoluteLimit(signIn)) return "the absolute limit was passed";
  if (signIn.endedSince !== null && signIn.endedSince < order) return "what had ended goes on";
  if (signIn.disownedAt !== null && sentAt >= signIn.disownedAt + revalidateAfter && reachable(reach, asked))
    return "whom the provider disowned goes on";
  if (presented.supersededAt !== null && sentAt > presented.supersededAt + window)
    return "a replaced pair is served long after its successor was used";
  if (party.kind === "thief" && party.loot === "refresh-token")
    return "a refresh cookie opens a page by itself";
  if (
    signIn.renews &&
    party.kind === "thief" &&
    party.loot === "session" &&
    sentAt >= party.stolenAt + revalidateAfter
  )
    return "a session id alone outlives the next renewal";
  return null;
}

/** Whether an honest browser was sent to the sign-in page for nothing. */
export function sentAwayWrongly({ party, presented, application }: Asked, now: number): string | null {
  if (party.kind === "thief" || presented === null || presented.signIn.application !== application)
    return null;
  return reasonToAsk(presented.signIn, now) === null ? "an honest browser was signed out" : null;
}

/** Whether a pair was handed out that must not be. `writtenAt` is the ordinal of the moment the headers were decided. */
export function handedOutWrongly(pair: Pair, asked: Asked, writtenAt: number): string | null {
  const { endedSince } = pair.signIn;
  if (endedSince !== null && endedSince < writtenAt)
    return "an answer sets cookies of a sign-in that has ended";
  if (pair.usedAt !== null && asked.sentAt > pair.usedAt + window)
    return "a pair that was in use is handed out again, long after its first use";
  return null;
}
