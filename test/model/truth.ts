/**
 * What a bystander knows who saw every cookie and every ending: sign-ins, the pairs that were handed out for them, and
 * what may still be asked of them. Nothing here reads the store or the provider.
 */
import type { Person } from "./provider.ts";

export const second = 1_000;
export const minute: number = 60 * second;
export const hour: number = 60 * minute;
export const day: number = 24 * hour;

/** One authentication in one browser. Times are epoch milliseconds, ordinals count what happened in the history. */
export interface SignIn {
  readonly id: string;
  readonly application: number;
  readonly person: Person;
  readonly remembered: boolean;
  readonly renews: boolean;
  readonly authenticatedAt: number;
  /** Something began that ends it, or may have: its user may be asked to sign in again. */
  mayBeOver: boolean;
  /** Endings of it that are under way: its session is gone when the first of them is done with it. */
  endings: number;
  /** One of them was carried out. */
  hasEnded: boolean;
  /** Ordinal of the moment when it had ended and no ending was under way any more: from then on it opens nothing. */
  endedSince: number | null;
  /** When the provider disowned it, or its user. */
  disownedAt: number | null;
  /** A thief came with a whole pair of it. */
  isShared: boolean;
  /** When its browser last got a page that the provider could have had a say in. */
  vouchedAt: number;
  /** When an answer with a pair was lost after that. */
  lostAt: number | null;
}

/** A session id that was handed out, in W2 with a refresh cookie. */
export interface Pair {
  readonly sessionId: string;
  readonly signIn: SignIn;
  /** The pairs in answer to which it was handed out. */
  readonly parents: Set<Pair>;
  /** The pair that was last handed out in answer to it. */
  successor: Pair | null;
  /** When it was first handed to an honest browser, and to a thief. */
  readonly handed: Partial<Record<"browser" | "thief", number>>;
  /** When it first opened a page by itself, not by being renewed. */
  usedAt: number | null;
  /** When a pair that was handed out in its place was first used. */
  supersededAt: number | null;
}

/** How long after its successor was first used a replaced pair may still be served (ARCHITECTURE, "concurrent"). */
export const window: number = 30 * second;
/** How long the provider's word on a user is good for. */
export const revalidateAfter: number = 10 * minute;
/** How long an unanswered provider is left alone. */
export const providerRest: number = 10 * second;
const providerGrace = 86_399 * second;

/** When a sign-in is over, whatever happens. */
export function absoluteLimit({ renews, remembered, authenticatedAt }: SignIn): number {
  return authenticatedAt + (renews ? (remembered ? 30 * day : 24 * hour) : 12 * hour);
}

/** Why an honest browser may be asked to sign in again; `null` if there is no reason. */
export function reasonToAsk(signIn: SignIn, now: number): string | null {
  const { mayBeOver, isShared, lostAt, vouchedAt, renews, remembered } = signIn;
  if (mayBeOver) return "ended";
  if (isShared) return "theft";
  if (now >= absoluteLimit(signIn)) return "absolute limit";
  // The page came within `revalidateAfter` of a renewal, so the idle limit may be that much nearer.
  const idle = renews ? (remembered ? 14 * day : hour) - revalidateAfter : 30 * minute;
  if (now >= vouchedAt + idle) return "idle limit";
  return lostAt !== null && now >= lostAt + providerGrace ? "answer lost longer than the grace" : null;
}

/**
 * Notes that a pair opened a page by itself: what it took the place of is good for `window` more. One that another attempt
 * has replaced opens nothing by itself: it is served because nobody has come with the other attempt yet.
 */
export function use(pair: Pair, now: number): void {
  if ([...pair.parents].some(({ successor }) => successor !== pair)) return;
  pair.usedAt ??= now;
  for (const parent of pair.parents) parent.supersededAt ??= pair.usedAt;
}

/** Notes that `to` was handed out in answer to `from`. */
export function succeed(from: Pair, to: Pair): void {
  to.parents.add(from);
  from.successor = to;
  if (to.usedAt !== null) from.supersededAt ??= to.usedAt;
}

/** How often a sign-in was renewed for its owner and for a thief alike, and how often further apart than the window. */
export function sharedRenewals(
  pairs: Iterable<Pair>,
  of: SignIn,
): { readonly all: number; readonly apart: number } {
  const times = [...pairs]
    .filter(({ signIn }) => signIn === of)
    .map(({ handed: { browser, thief } }) =>
      browser === undefined || thief === undefined ? null : browser - thief,
    )
    .filter((apart) => apart !== null);
  return { all: times.length, apart: times.filter((apart) => Math.abs(apart) > window).length };
}

/** Notes that an ending of these begins, whatever comes of it. */
export function beginEnding(signIns: readonly SignIn[]): void {
  for (const signIn of signIns) {
    signIn.mayBeOver = true;
    signIn.endings += 1;
  }
}

/** Notes that it is done at `order`; an ending that died on the way is never done (SECURITY, "broke off half-way"). */
export function completeEnding(signIns: readonly SignIn[], order: number, hasEnded: boolean): void {
  for (const signIn of signIns) {
    signIn.endings -= 1;
    if (hasEnded) signIn.hasEnded = true;
    if (signIn.hasEnded && signIn.endings === 0) signIn.endedSince ??= order;
  }
}
