/**
 * The policy to run: a sign-in record behind every session, the refresh token sealed and bound to its session id, one
 * exchange a pair, limits nothing extends, and endings that are final.
 */
import { claimsOfUser } from "./access-token.ts";
import { IdentityProviderMisconfiguredError, IdentityProviderUnavailableError } from "./errors.ts";
import { concurrencyWindow } from "./judgement.ts";
import { idleLimit } from "./lifetimes.ts";
import { useSession } from "./live-session.ts";
import { endAnother, endEverywhere, endOthers, ownDevices } from "./own-sign-ins.ts";
import type { Live, Opening, Policy, Visit } from "./policy.ts";
import { renewal } from "./renewal.ts";
import { isQuestioned, revalidation } from "./revalidation.ts";
import { type OpenedPair, openPresented, pairCookies } from "./sealed-pair.ts";
import { isSessionId } from "./session-id.ts";
import type { Settings } from "./settings.ts";
import { endSignIn, isProviderError, newSession, newSignIn, ownSignInId } from "./sign-ins.ts";
import type { SessionRecord } from "./store/store.ts";

/** After the provider gave no answer, live sessions are not held up by asking it again for this long. */
const providerRest = 10_000;

/** The hardened policy over these settings. */
export function hardened(settings: Settings): Policy {
  const { store, renews, now } = settings;
  const renew = renewal(settings);
  const revalidate = revalidation(settings);
  let providerRestsUntil = 0;

  const renewPresented = async (visit: Visit, live: SessionRecord | null): Promise<Live | null> => {
    const pair = renews ? matchingPair(settings, visit) : null;
    if (pair === null) return null;
    // A provider may keep the families of users it no longer stands by (onPasswordChanged: false).
    if (live !== null && isQuestioned(live) && (await revalidate(live)) === null) return null;
    return renew(pair, visit);
  };

  return {
    async find(visit) {
      const hash = presentedHash(settings, visit);
      const session = hash === null ? null : await useSession(settings, hash);
      if (session === null) return renewPresented(visit, null);
      if (!isDue(settings, session)) return { session, newCookies: null };
      const questioned = isQuestioned(session);
      if (now() < providerRestsUntil && !questioned) return goOn(settings, visit, session);
      try {
        return renews ? await renewPresented(visit, session) : await revalidate(session);
      } catch (error) {
        // What the provider itself has called in question does not go on because nobody answers the question.
        if (!isProviderError(error) || questioned) throw error;
        // Only waiting is worth avoiding: a provider that answers at once, if only 429, is asked again each time.
        const heldUp = error instanceof IdentityProviderUnavailableError && !error.answered;
        if (heldUp) providerRestsUntil = now() + providerRest;
        settings.publish({ type: "unavailable", code: error.code, message: error.message });
        return goOn(settings, visit, session);
      }
    },

    open: (opening) => open(settings, opening),

    async isRemembered({ signInId }) {
      return (await store.readSignIn(signInId))?.remembered ?? false;
    },

    end: (session, reason) => endSignIn(settings, session.signInId, reason),

    devices: (session) => ownDevices(settings, session),
    endAnother: (session, signInId, here) => endAnother(settings, session, signInId, here),
    endOthers: (session) => endOthers(settings, session),
    endEverywhere: (session, reason) => endEverywhere(settings, session, reason),

    async isCurrent(session) {
      const signIn = await store.readSignIn(session.signInId);
      if (signIn === null || signIn.ended !== null || signIn.current !== session.hash) return false;
      // Once a browser has presented them, who gets them late is not that browser (a thief who trickles a body).
      return signIn.presentedAt === null || now() - signIn.presentedAt <= concurrencyWindow;
    },
  };
}

function presentedHash({ hashOf }: Settings, { presented }: Visit): string | null {
  return presented.session !== null && isSessionId(presented.session) ? hashOf(presented.session) : null;
}

/**
 * The refresh cookie's contents if they are bound to the session id beside them. A pair that does not match never
 * reaches the provider: it is what a stolen refresh token with a made-up session id looks like (attack A2).
 */
function matchingPair(settings: Settings, visit: Visit): OpenedPair | null {
  const { refreshToken } = visit.presented;
  if (refreshToken === null) return null;
  const pair = openPresented(settings, refreshToken);
  if (pair === null) return null;
  if (pair.session === presentedHash(settings, visit)) return pair;
  settings.publish({ type: "mismatched-pair", address: visit.device.address });
  return null;
}

function isDue({ now, lifetimes }: Settings, session: SessionRecord): boolean {
  return isQuestioned(session) || now() >= session.vouchedAt + lifetimes.revalidateAfter;
}

/**
 * The provider can't vouch for anybody right now: a live session goes on to its own limits (D5), as far as they can be
 * seen from here. A stolen session id alone, or a sign-in that has ended, gains nothing from the outage.
 */
async function goOn(settings: Settings, visit: Visit, session: SessionRecord): Promise<Live | null> {
  const { store, renews, lifetimes, now } = settings;
  if (renews && matchingPair(settings, visit) === null) return null;
  const signIn = await store.readSignIn(session.signInId);
  if (signIn === null) return { session, newCookies: null };
  const idle = idleLimit(lifetimes, signIn.remembered);
  const isOver = signIn.ended !== null || (renews && now() >= signIn.renewedAt + idle);
  return isOver ? null : { session, newCookies: null };
}

async function open(
  settings: Settings,
  { signedIn, device, remembered, authenticatedAt }: Opening,
): Promise<Live> {
  const { user, accessToken, refreshToken, refreshTokenId } = signedIn;
  const { store, renews, now, randomBytes, hashOf, publish } = settings;
  if (accessToken !== null) await claimsOfUser(settings, user.id, accessToken);
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
    authenticatedAt,
    renewedAt: now(),
    remembered: remembered && renews,
    current: hashOf(sessionId),
  });
  const session = newSession(settings, signIn);
  await store.insertSignIn(signIn);
  await store.insertSession(session);
  publish({ type: "session-created", signInId: signIn.id, userId: user.id });
  const newCookies =
    renews && refreshToken !== null
      ? pairCookies(settings, signIn, sessionId, refreshToken)
      : { sessionId, refreshToken: null, maxAge: null };
  return { session, newCookies };
}
