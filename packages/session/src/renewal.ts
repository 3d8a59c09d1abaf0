/**
 * The old pair for the new pair, once (D7). Idempotent instead of locked: every tab and every node that presents a pair
 * arrives at the same new session id, and a lost answer is told from a theft. The rules are judgement.ts's table; here
 * they are carried out.
 */
import { claimsOfUser, refreshedUser } from "./access-token.ts";
import { addressRange } from "./address-range.ts";
import { SessionStoreUnavailableError } from "./errors.ts";
import { flights } from "./flights.ts";
import {
  arrivalThatCounts,
  isMintedFor,
  type Judgement,
  judge,
  renewed,
  replaced,
  restarted,
} from "./judgement.ts";
import type { Live, Visit } from "./policy.ts";
import { reasonToEnd } from "./revalidation.ts";
import { type OpenedPair, pairCookies } from "./sealed-pair.ts";
import { isReplacedAttempt, possibleSuccessors, successorSessionId } from "./session-id.ts";
import type { Settings } from "./settings.ts";
import { absoluteLimit, endSignIn, newSession, newSignIn } from "./sign-ins.ts";
import type { Device, SignInRecord } from "./store/store.ts";

/** Renews a pair whose session id matches; `null` when its user has to sign in again. */
export type Renew = (pair: OpenedPair, by: Pick<Visit, "device" | "arrivedAt">) => Promise<Live | null>;

/** How a round of renewal went: overtaken means that somebody else moved the sign-in first, so judge again. */
type Outcome = Live | null | "overtaken";

/** How often a renewal may be overtaken before the store is taken for broken. */
const rounds = 5;

/** Renewal for one application; equal pairs in this process share one flight. */
export function renewal(settings: Settings): Renew {
  // Keyed by the exact pair: an older token must not ride on the owner's renewal, nor anybody from another address.
  const share = flights<Live | null>();

  return (pair, { device, arrivedAt }) => {
    const arrived = arrivalThatCounts(settings.now(), arrivedAt);
    const address = addressRange(device.address);
    const key = `${pair.session}\n${pair.refreshToken}\n${arrived ?? ""}\n${address ?? ""}`;
    const presenting = { ...pair, device, address, arrivedAt: arrived };
    return share(key, () => renew(settings, presenting));
  };
}

/** A pair, where it was presented, and when, if that was long ago. */
interface PresentedPair extends OpenedPair {
  readonly device: Device;
  /** The device's address, as far as it counts. */
  readonly address: string | null;
  readonly arrivedAt: number | null;
}

async function renew(settings: Settings, pair: PresentedPair): Promise<Live | null> {
  for (let round = 0; round < rounds; round++) {
    const signIn = (await settings.store.readSignIn(pair.signInId)) ?? (await rebuild(settings, pair));
    if (signIn === null) return null;
    const outcome = await carryOut(settings, signIn, pair);
    if (outcome !== "overtaken") return outcome;
  }
  throw new SessionStoreUnavailableError("A renewal was overtaken too often.");
}

/**
 * The store knows nothing of this sign-in: it lost everything, or forgot it after its limit. The sealed cookie says
 * enough to go on, and the provider still recognises a token that was used before, so nothing is opened by this.
 */
async function rebuild(settings: Settings, pair: PresentedPair): Promise<SignInRecord | null> {
  const { store, provider } = settings;
  if (settings.now() >= pair.authenticatedAt + absoluteLimit(settings, pair.remembered)) return null;
  const known = await provider.retrieveUser(pair.userId);
  if (known === null || reasonToEnd(known, pair) !== null) return null;
  const { signInId: id, device, authenticatedAt, renewedAt, remembered, session: current } = pair;
  const facts = { id, user: known.user, device, authenticatedAt, renewedAt, remembered, current };
  const signIn = newSignIn(settings, facts);
  return (await store.insertSignIn(signIn)) ? signIn : store.readSignIn(id);
}

async function carryOut(settings: Settings, signIn: SignInRecord, pair: PresentedPair): Promise<Outcome> {
  const judgement = judgePair(settings, signIn, pair);
  switch (judgement) {
    case "ended":
    case "expired":
      return null;
    case "reuse":
      settings.publish({
        type: "reuse-detected",
        signInId: signIn.id,
        userId: signIn.user.id,
        address: pair.device.address,
      });
      await endSignIn(settings, signIn.id, "reuse-detected");
      return null;
    case "overlapping":
      return { session: newSession(settings, signIn), newCookies: null };
    case "out-of-order":
      return handOverLate(settings, signIn, pair);
    case "due":
    case "concurrent":
    case "lost-answer":
      return exchange(settings, signIn, pair, judgement);
  }
}

function judgePair(settings: Settings, signIn: SignInRecord, pair: PresentedPair): Judgement {
  const { keys, hashOf, lifetimes, now } = settings;
  const isNeither = pair.session !== signIn.current && pair.session !== signIn.previous;
  return judge(signIn, {
    session: pair.session,
    address: pair.address,
    arrivedAt: pair.arrivedAt ?? now(),
    replacedAttempt: isNeither && isReplacedAttempt(keys, hashOf, pair, signIn),
    now: now(),
    signInIdle: signIn.remembered ? lifetimes.rememberedIdle : lifetimes.signInIdle,
    revalidateAfter: lifetimes.revalidateAfter,
  });
}

/** A replaced attempt that arrives after all: the browser gets the pair that replaced it (answers out of order). */
async function handOverLate(settings: Settings, signIn: SignInRecord, pair: OpenedPair): Promise<Outcome> {
  const { previous, attempt, presentedAt } = signIn;
  if (previous === null) return "overtaken";
  const { refreshToken } = pair;
  const sessionId = currentSessionId(settings, signIn, { previous, refreshToken, attempt });
  if (sessionId === null) return "overtaken";
  const next = presentedAt === null ? restarted(signIn, settings.now()) : null;
  return hand(settings, { before: signIn, next, sessionId, refreshToken, judgement: "out-of-order" });
}

/** Asks the provider for the successor and moves the sign-in to the session id that follows from it. */
async function exchange(
  settings: Settings,
  signIn: SignInRecord,
  pair: PresentedPair,
  judgement: "due" | "concurrent" | "lost-answer",
): Promise<Outcome> {
  const answer = await settings.provider.refresh(pair.refreshToken);
  if (answer.outcome === "invalid-grant") {
    await endSignIn(settings, signIn.id, "refused-by-provider");
    return null;
  }
  const { refreshToken } = answer;
  const user = refreshedUser(signIn.user, await claimsOfUser(settings, signIn.user.id, answer.accessToken));
  const attempt = judgement === "due" ? 0 : judgement === "concurrent" ? signIn.attempt : signIn.attempt + 1;
  const renewal = { previous: pair.session, refreshToken, attempt };

  if (judgement === "concurrent") {
    const sessionId = currentSessionId(settings, signIn, renewal);
    if (sessionId === null) return "overtaken";
    return hand(settings, { before: signIn, next: null, sessionId, refreshToken, judgement });
  }
  const { keys, now, hashOf } = settings;
  const sessionId = successorSessionId(keys.find(pair.keyId) ?? keys.primary, renewal);
  const hash = hashOf(sessionId);
  const next =
    judgement === "due"
      ? renewed(signIn, hash, now(), pair.address, pair.session)
      : replaced(signIn, hash, now(), pair.address);
  return hand(settings, { before: signIn, next: { ...next, user }, sessionId, refreshToken, judgement });
}

/** The id of the sign-in's current session, if this renewal is what it came from; under whichever key of the ring. */
function currentSessionId(
  { keys, hashOf }: Settings,
  { current }: SignInRecord,
  renewal: { previous: string; refreshToken: string; attempt: number },
): string | null {
  return possibleSuccessors(keys, renewal).find((id) => hashOf(id) === current) ?? null;
}

interface HandedOver {
  /** The sign-in as it was judged. */
  readonly before: SignInRecord;
  /** The sign-in as it should be; `null` if nothing about it changes. */
  readonly next: SignInRecord | null;
  readonly sessionId: string;
  readonly refreshToken: string;
  readonly judgement: Judgement;
}

/**
 * Makes the session, moves the sign-in to it, and gives the browser the pair. Then the sign-in is read once more: if it
 * has ended, or moved elsewhere, the session is removed again, so that a slow renewal can't undo a sign-out (D8).
 */
async function hand(settings: Settings, handed: HandedOver): Promise<Outcome> {
  const { before, next, sessionId, refreshToken, judgement } = handed;
  const { store, publish } = settings;
  const made = newSession(settings, next ?? before, settings.hashOf(sessionId));
  // Both at once, for one trip to the store. Should the sign-in move and its session be missing, whoever shows the old pair again is
  // handed over to a session that is made then.
  const [isNew, isMoved] = await Promise.all([
    store.insertSession(made),
    next !== null && store.updateSignIn(next),
  ]);
  // Before the last look: who shares this flight while it waits here must be told of an ending, too.
  if (isMoved && before.current !== made.hash) await store.deleteSession(before.current);

  const signIn = await store.readSignIn(before.id);
  if (signIn === null || signIn.ended !== null || signIn.current !== made.hash) {
    await store.deleteSession(made.hash);
    return signIn === null || signIn.ended !== null ? null : "overtaken";
  }
  // Two at once arrive at the same session; it goes to the address of the one whose record counts.
  if (next !== null && !isMintedFor(signIn, next.mintedFor)) return "overtaken";
  const about = { signInId: signIn.id, userId: signIn.user.id };
  if (isNew) publish({ type: "session-created", ...about });
  publish({ type: "renewed", judgement, ...about });
  return { session: made, newCookies: pairCookies(settings, signIn, sessionId, refreshToken) };
}
