/**
 * The policy to run: a sign-in record behind every session, the refresh token sealed and bound to its session id, one
 * exchange a pair, limits nothing extends, and endings that are final.
 */
import { IdentityProviderMisconfiguredError } from "./errors.ts";
import type { ProviderSignIn } from "./identity-provider.ts";
import { presented } from "./judgement.ts";
import type { Live, Policy, Visit } from "./policy.ts";
import { pairCookies, renewal, signInOfPair } from "./renewal.ts";
import { type OpenedPair, openPair } from "./sealed-pair.ts";
import { isSessionId, sessionHash } from "./session-id.ts";
import type { Settings } from "./settings.ts";
import { changeSignIn, endSignIn, isProviderError, newSession, newSignIn, ownSignInId } from "./sign-ins.ts";
import type { Device, EndReason, SessionRecord } from "./store/store.ts";

/** The hardened policy over these settings. */
export function hardened(settings: Settings): Policy {
  const { store } = settings;
  const renew = renewal(settings);
  const renews = settings.workflow === "sessions+refresh-tokens";

  const renewPresented = async (visit: Visit): Promise<Live | null> => {
    if (!renews) return null;
    const pair = matchingPair(settings, visit);
    return pair === null ? null : renew(pair, visit.device);
  };

  return {
    async find(visit) {
      const hash = presentedHash(visit);
      const session = hash === null ? null : await useSession(settings, hash);
      if (session === null) return renewPresented(visit);
      if (!isDue(settings, session)) return { session, cookies: null };
      try {
        return renews ? await renewPresented(visit) : await revalidate(settings, session);
      } catch (error) {
        // The provider can't vouch for anybody right now: a live session goes on to its own limits (D5).
        if (!isProviderError(error)) throw error;
        settings.publish({ type: "unavailable", code: error.code, message: error.message });
        return { session, cookies: null };
      }
    },

    open: (signedIn, device, remembered) => open(settings, signedIn, device, remembered && renews),

    async end(visit, reason) {
      const hash = presentedHash(visit);
      const session = hash === null ? null : await useSession(settings, hash);
      if (session !== null) return endSignIn(settings, session.signInId, reason);
      const pair = renews ? matchingPair(settings, visit) : null;
      if (pair !== null) await endUnseen(settings, pair, visit.device, reason);
    },

    async isCurrent(session) {
      const signIn = await store.readSignIn(session.signInId);
      return signIn !== null && signIn.ended === null && signIn.current === session.hash;
    },
  };
}

function presentedHash({ cookies }: Visit): string | null {
  return cookies.session !== null && isSessionId(cookies.session) ? sessionHash(cookies.session) : null;
}

/**
 * The refresh cookie's contents if they are bound to the session id beside them. A pair that does not match never
 * reaches the provider: it is what a stolen refresh token with a made-up session id looks like (the seeds' A2).
 */
function matchingPair({ keys, application, cookies, publish }: Settings, visit: Visit): OpenedPair | null {
  const { refreshToken } = visit.cookies;
  if (refreshToken === null) return null;
  const pair = openPair(keys, `${application}\n${cookies.names.refreshToken}`, refreshToken);
  if (pair === null) return null;
  if (pair.session === presentedHash(visit)) return pair;
  publish({ type: "mismatched-pair", address: visit.device.address });
  return null;
}

/** The live session of that hash, extended; on its first use the sign-in learns that its browser holds the new pair. */
async function useSession(settings: Settings, hash: string): Promise<SessionRecord | null> {
  const { store, now, lifetimes, publish } = settings;
  const session = await store.useSession(hash, now(), lifetimes.sessionIdle);
  if (session === null) return null;
  if (!session.presented && !(await markPresented(settings, session))) return null;
  publish({
    type: "session-extended",
    signInId: session.signInId,
    userId: session.user.id,
    expiresAt: session.expiresAt,
  });
  return session;
}

/** `false` if the session is not its sign-in's current one any more, or the sign-in has ended: then it is no session. */
async function markPresented(settings: Settings, session: SessionRecord): Promise<boolean> {
  const { store, now } = settings;
  let isCurrent = false;
  await changeSignIn(settings, session.signInId, (signIn) => {
    isCurrent = signIn.ended === null && signIn.current === session.hash;
    return isCurrent && signIn.presentedAt === null ? presented(signIn, now()) : null;
  });
  if (isCurrent) await store.updateSession({ ...session, presented: true });
  else await store.deleteSession(session.hash);
  return isCurrent;
}

function isDue({ now, lifetimes }: Settings, session: SessionRecord): boolean {
  return now() >= session.vouchedAt + lifetimes.revalidateAfter;
}

/** W1: asks the provider about the user; `null` ends the sign-in where the answer says so (ASVS 7.4.2, 7.4.3). */
async function revalidate(settings: Settings, session: SessionRecord): Promise<Live | null> {
  const known = await settings.provider.retrieveUser(session.user.id);
  const reason = reasonToEnd(known, session);
  if (known === null || reason !== null) {
    await endSignIn(settings, session.signInId, reason ?? "user-not-active");
    return null;
  }
  const vouched = { ...session, user: known.user, vouchedAt: settings.now() };
  if (!(await settings.store.updateSession(vouched))) return null;
  settings.publish({ type: "revalidated", signInId: session.signInId, userId: session.user.id });
  return { session: vouched, cookies: null };
}

function reasonToEnd(
  known: Awaited<ReturnType<Settings["provider"]["retrieveUser"]>>,
  session: SessionRecord,
): EndReason | null {
  if (known === null || !known.active || !known.registered) return "user-not-active";
  return known.passwordChangedAt > session.authenticatedAt ? "password-changed" : null;
}

async function open(
  settings: Settings,
  { user, accessToken, refreshToken, refreshTokenId }: ProviderSignIn,
  device: Device,
  remembered: boolean,
): Promise<Live> {
  const { store, now, randomBytes, publish } = settings;
  if (accessToken !== null) await vouchFor(settings, user.id, accessToken);
  const renews = settings.workflow === "sessions+refresh-tokens";
  if (renews && (refreshToken === null || refreshTokenId === null)) {
    throw new IdentityProviderMisconfiguredError(
      "The identity provider gave no refresh token: its application needs loginConfiguration.generateRefreshTokens.",
    );
  }
  const sessionId = randomBytes(32).toString("base64url");
  const signIn = newSignIn(settings, {
    id: refreshTokenId ?? ownSignInId(settings),
    user,
    device,
    authenticatedAt: now(),
    remembered,
    current: sessionHash(sessionId),
    mintedAt: now(),
  });
  const session = newSession(settings, signIn, user, signIn.current);
  await store.insertSignIn(signIn);
  await store.insertSession(session);
  publish({ type: "session-created", signInId: signIn.id, userId: user.id });
  const cookies =
    renews && refreshToken !== null
      ? pairCookies(settings, { signIn, sessionId, refreshToken })
      : { sessionId, refreshToken: null, maxAge: null };
  return { session, cookies };
}

async function vouchFor(settings: Settings, userId: string, accessToken: string): Promise<void> {
  const claims = await settings.verifyAccessToken(accessToken);
  if (claims.userId !== userId) {
    throw new IdentityProviderMisconfiguredError("The identity provider's access token is another user's.");
  }
}

/** Ends a sign-in whose session is gone; where the store lost its record too, the tombstone is written anew. */
async function endUnseen(
  settings: Settings,
  pair: OpenedPair,
  device: Device,
  reason: EndReason,
): Promise<void> {
  const user = { id: pair.userId, roles: [] };
  await settings.store.insertSignIn(signInOfPair(settings, pair, user, device));
  await endSignIn(settings, pair.signInId, reason);
}
