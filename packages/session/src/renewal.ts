/**
 * The old pair for the new pair, once (D7). Idempotent instead of locked: every tab and every node that presents a pair
 * arrives at the same new session id, and a lost answer is told from a theft. The rules are judgement.ts's table; here
 * they are carried out.
 */
import { refreshedUser } from "./access-token.ts";
import { IdentityProviderMisconfiguredError, SessionStoreUnavailableError } from "./errors.ts";
import type { RefreshAnswer } from "./identity-provider.ts";
import { type Judgement, judge, renewed, replaced, restarted } from "./judgement.ts";
import type { PurposeKeys } from "./key-ring.ts";
import type { Live } from "./policy.ts";
import { type OpenedPair, sealPair } from "./sealed-pair.ts";
import { isReplacedAttempt, sessionHash, successorSessionId } from "./session-id.ts";
import type { Settings } from "./settings.ts";
import { absoluteLimit, endSignIn, newSession, newSignIn } from "./sign-ins.ts";
import type { Device, SessionRecord, SignInRecord, User } from "./store/store.ts";

/** Renews a pair whose session id matches; `null` when its user has to sign in again. */
export type Renew = (pair: OpenedPair, device: Device) => Promise<Live | null>;

/** How often a renewal starts over because somebody else moved the sign-in first. */
const rounds = 5;

/** Renewal for one application; equal pairs in this process share one flight. */
export function renewal(settings: Settings): Renew {
  // Keyed by the exact pair: an older token must not ride on the owner's renewal (D7, step 1).
  const flights = new Map<string, Promise<Live | null>>();

  return (pair, device) => {
    const key = `${pair.session}\n${pair.refreshToken}`;
    const flight = flights.get(key) ?? renew(settings, pair, device).finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  };
}

async function renew(settings: Settings, pair: OpenedPair, device: Device): Promise<Live | null> {
  for (let round = 0; round < rounds; round++) {
    const signIn =
      (await settings.store.readSignIn(pair.signInId)) ?? (await rebuild(settings, pair, device));
    if (signIn === null) return null;
    const judgement = judgePair(settings, signIn, pair);
    if (judgement === "ended" || judgement === "expired") return null;
    if (judgement === "reuse") return endReused(settings, signIn, device);
    const live =
      judgement === "out-of-order"
        ? await handOverLate(settings, signIn, pair)
        : await exchange(settings, signIn, pair, judgement);
    if (live !== "overtaken") return live;
  }
  throw new SessionStoreUnavailableError("A renewal was overtaken too often.");
}

function judgePair({ keys, lifetimes, now }: Settings, signIn: SignInRecord, pair: OpenedPair): Judgement {
  return judge(signIn, {
    session: pair.session,
    replacedAttempt: isReplacedAttempt(keys, pair.session, signIn, pair.refreshToken),
    now: now(),
    signInIdle: signIn.remembered ? lifetimes.rememberedIdle : lifetimes.signInIdle,
  });
}

/**
 * The store knows nothing of this sign-in: it lost everything, or forgot it after its limit. The sealed cookie says
 * enough to go on, and the provider still recognises a token that was used before, so nothing is opened by this.
 */
async function rebuild(settings: Settings, pair: OpenedPair, device: Device): Promise<SignInRecord | null> {
  const { store, provider } = settings;
  if (settings.now() >= pair.authenticatedAt + absoluteLimit(settings, pair.remembered)) return null;
  const known = await provider.retrieveUser(pair.userId);
  if (known === null || !known.active) return null;
  const signIn = signInOfPair(settings, pair, known.user, device);
  return (await store.insertSignIn(signIn)) ? signIn : store.readSignIn(signIn.id);
}

/** The record a sealed pair stands for. */
export function signInOfPair(settings: Settings, pair: OpenedPair, user: User, device: Device): SignInRecord {
  const { signInId: id, authenticatedAt, remembered, session: current, renewedAt: mintedAt } = pair;
  return newSignIn(settings, { id, user, device, authenticatedAt, remembered, current, mintedAt });
}

async function endReused(settings: Settings, signIn: SignInRecord, { address }: Device): Promise<null> {
  settings.publish({ type: "reuse-detected", signInId: signIn.id, userId: signIn.user.id, address });
  await endSignIn(settings, signIn.id, "reuse-detected");
  return null;
}

/** Asks the provider for the successor and moves the sign-in to the session id that follows from it. */
async function exchange(
  settings: Settings,
  signIn: SignInRecord,
  pair: OpenedPair,
  judgement: "due" | "concurrent" | "lost-answer",
): Promise<Live | null | "overtaken"> {
  const answer = await settings.provider.refresh(pair.refreshToken);
  if (answer.outcome === "invalid-grant") {
    await endSignIn(settings, signIn.id, "refused-by-provider");
    return null;
  }
  const user = await vouchedUser(settings, signIn.user, answer);
  const next = successor(settings, signIn, pair, judgement, answer.refreshToken);
  if (next === null) return "overtaken";

  const made = newSession(settings, signIn, user, next.hash);
  const inserted = await settings.store.insertSession(made);
  const moved = next.signIn === null || (await settings.store.updateSignIn({ ...next.signIn, user }));
  const settled = await settle(settings, signIn, made, moved);
  if (settled !== "current") return settled === "ended" ? null : "overtaken";

  if (inserted) settings.publish({ type: "session-created", signInId: signIn.id, userId: user.id });
  settings.publish({ type: "renewed", signInId: signIn.id, userId: user.id, judgement });
  return live(settings, signIn, made, next.sessionId, answer.refreshToken);
}

async function vouchedUser(
  settings: Settings,
  user: User,
  answer: RefreshAnswer & { outcome: "refreshed" },
): Promise<User> {
  const claims = await settings.verifyAccessToken(answer.accessToken);
  if (claims.userId !== user.id) {
    throw new IdentityProviderMisconfiguredError(
      "The identity provider refreshed a token into another user's.",
    );
  }
  return refreshedUser(user, claims);
}

interface Successor {
  readonly sessionId: string;
  readonly hash: string;
  /** The sign-in as this renewal wants it; `null` if it already is. */
  readonly signIn: SignInRecord | null;
}

/** The session id this renewal leads to; `null` if the sign-in is no longer where the judgement saw it. */
function successor(
  { keys, now }: Settings,
  signIn: SignInRecord,
  pair: OpenedPair,
  judgement: "due" | "concurrent" | "lost-answer",
  refreshToken: string,
): Successor | null {
  const derive = (key: PurposeKeys, attempt: number) => {
    const sessionId = successorSessionId(key, { previous: pair.session, refreshToken, attempt });
    return { sessionId, hash: sessionHash(sessionId) };
  };
  if (judgement === "concurrent") {
    // Whoever came first may have held a cookie sealed with another key of the ring.
    const found = keys.all
      .map((key) => derive(key, signIn.attempt))
      .find(({ hash }) => hash === signIn.current);
    return found === undefined ? null : { ...found, signIn: null };
  }
  const key = keys.find(pair.keyId) ?? keys.primary;
  const next = derive(key, judgement === "due" ? 0 : signIn.attempt + 1);
  const move = judgement === "due" ? renewed : replaced;
  return { ...next, signIn: move(signIn, next.hash, now()) };
}

/**
 * Reads the sign-in once more (D7, step 4). Ended meanwhile: the session just made is removed again, so that a slow
 * renewal can't undo a sign-out (D8). Overtaken: it is removed too, and whoever was faster counts.
 */
async function settle(
  { store }: Settings,
  before: SignInRecord,
  made: SessionRecord,
  moved: boolean,
): Promise<"current" | "ended" | "overtaken"> {
  const after = await store.readSignIn(before.id);
  if (after !== null && after.ended === null && after.current === made.hash) {
    if (moved && before.current !== made.hash) await store.deleteSession(before.current);
    return "current";
  }
  await store.deleteSession(made.hash);
  return after === null || after.ended !== null ? "ended" : "overtaken";
}

/** A replaced attempt that arrives after all: the browser gets the pair that replaced it (answers out of order). */
async function handOverLate(
  settings: Settings,
  signIn: SignInRecord,
  pair: OpenedPair,
): Promise<Live | null | "overtaken"> {
  const { store, keys, now } = settings;
  const { previous, attempt } = signIn;
  if (previous === null) return "overtaken";
  const renewalOf = { previous, refreshToken: pair.refreshToken, attempt };
  const sessionId = keys.all
    .map((key) => successorSessionId(key, renewalOf))
    .find((candidate) => sessionHash(candidate) === signIn.current);
  if (sessionId === undefined) return "overtaken";
  if (signIn.presentedAt === null && !(await store.updateSignIn(restarted(signIn, now()))))
    return "overtaken";

  const made = newSession(settings, signIn, signIn.user, signIn.current);
  await store.insertSession(made);
  const settled = await settle(settings, signIn, made, true);
  if (settled !== "current") return settled === "ended" ? null : "overtaken";
  settings.publish({
    type: "renewed",
    signInId: signIn.id,
    userId: signIn.user.id,
    judgement: "out-of-order",
  });
  return live(settings, signIn, made, sessionId, pair.refreshToken);
}

function live(
  settings: Settings,
  signIn: SignInRecord,
  session: SessionRecord,
  sessionId: string,
  refreshToken: string,
): Live {
  return { session, cookies: pairCookies(settings, { signIn, sessionId, refreshToken }) };
}

/** The two cookies of a pair: one lifetime, one response, the refresh token sealed to the session id. */
export function pairCookies(
  { keys, application, cookies, lifetimes, now, randomBytes }: Settings,
  { signIn, sessionId, refreshToken }: { signIn: SignInRecord; sessionId: string; refreshToken: string },
): NonNullable<Live["cookies"]> {
  const context = `${application}\n${cookies.names.refreshToken}`;
  const sealed = {
    refreshToken,
    session: sessionHash(sessionId),
    signInId: signIn.id,
    userId: signIn.user.id,
    authenticatedAt: signIn.authenticatedAt,
    renewedAt: now(),
    remembered: signIn.remembered,
  };
  const maxAge = Math.min(lifetimes.rememberedIdle, signIn.absoluteExpiresAt - now());
  return {
    sessionId,
    refreshToken: sealPair(keys, context, sealed, randomBytes(12)),
    maxAge: signIn.remembered ? maxAge : null,
  };
}
