/**
 * The policy of the published workflows, step by step, so that their attacks can be shown: the cookie holds the
 * provider's refresh token as it is, and whoever presents it gets a session. Never run this for real users.
 */
import { refreshedUser } from "./access-token.ts";
import { IdentityProviderMisconfiguredError } from "./errors.ts";
import type { Live, NewCookies, Policy, Visit } from "./policy.ts";
import { isSessionId } from "./session-id.ts";
import type { Settings } from "./settings.ts";
import { isProviderError, ownSignInId } from "./sign-ins.ts";
import type { SessionRecord, User } from "./store/store.ts";

/** The workflows as described: W1's steps 8–14, W2's steps 9′–18′, attacks A1 and A2 included. */
export function asDescribed(settings: Settings): Policy {
  const { renews, store, provider, publish, now } = settings;

  return {
    async find(visit) {
      const session = await findSession(settings, visit);
      if (session !== null) return { session, newCookies: null };
      const { refreshToken } = visit.presented;
      return renews && refreshToken !== null ? exchange(settings, refreshToken) : null;
    },

    async open({ signedIn: { user, refreshToken, refreshTokenId } }) {
      const signInId = refreshTokenId ?? ownSignInId(settings);
      return create(settings, user, signInId, renews ? refreshToken : null);
    },

    // Nothing is kept of it: the refresh-token cookie always stays.
    isRemembered: async () => false,

    async end(session, reason) {
      const { signInId, user, hash } = session;
      await store.deleteSession(hash);
      publish({ type: "sign-in-ended", signInId, userId: user.id, reason });
      if (renews) await provider.revoke(signInId).catch(ignoreOutage);
    },

    // No sign-ins are kept, only sessions by their cookies: nobody can list a user's, or end another than the one at hand.
    devices: async ({ signInId, authenticatedAt }, { name, address }) => [
      { signInId, name, address, authenticatedAt, lastUsedAt: now(), remembered: false, isThis: true },
    ],
    endAnother: async () => false,
    endOthers: async () => 0,

    async endEverywhere({ signInId, user, hash }, reason) {
      await store.deleteSession(hash);
      publish({ type: "sign-in-ended", signInId, userId: user.id, reason });
      await provider.revokeUser(user.id).catch(ignoreOutage);
    },

    isCurrent: async () => true,
  };
}

/** The workflows say nothing of a provider that is down at sign-out: the refresh token then stays good. */
function ignoreOutage(error: unknown): void {
  if (!isProviderError(error)) throw error;
}

/** Steps 11 and A1: found by its cookie, extended, whoever sends it. Nothing but idling ends it by default. */
async function findSession(
  { store, now, lifetimes, hashOf }: Settings,
  visit: Visit,
): Promise<SessionRecord | null> {
  const { session } = visit.presented;
  if (session === null || !isSessionId(session)) return null;
  return store.useSession(hashOf(session), now(), lifetimes.sessionIdle);
}

/** Steps 14′–17′ and A2: the refresh token alone, whatever the session id beside it, becomes a new session. */
async function exchange(settings: Settings, refreshToken: string): Promise<Live | null> {
  const answer = await settings.provider.refresh(refreshToken);
  if (answer.outcome === "invalid-grant") return null;
  const claims = await settings.verifyAccessToken(answer.accessToken);
  if (claims.signInId === null) {
    throw new IdentityProviderMisconfiguredError('The identity provider\'s access token has no "sid".');
  }
  const user = refreshedUser({ id: claims.userId, roles: [] }, claims);
  return create(settings, user, claims.signInId, answer.refreshToken);
}

async function create(
  { store, lifetimes, now, randomBytes, hashOf, publish }: Settings,
  user: User,
  signInId: string,
  refreshToken: string | null,
): Promise<Live> {
  const sessionId = randomBytes(32).toString("base64url");
  const session: SessionRecord = {
    hash: hashOf(sessionId),
    signInId,
    user,
    authenticatedAt: now(),
    vouchedAt: now(),
    questionedAt: 0,
    expiresAt: now() + lifetimes.sessionIdle,
    absoluteExpiresAt: Math.min(now() + lifetimes.signInAbsolute, Number.MAX_SAFE_INTEGER),
    presented: true,
  };
  await store.insertSession(session);
  publish({ type: "session-created", signInId, userId: user.id });
  const newCookies: NewCookies = {
    sessionId,
    refreshToken,
    maxAge: refreshToken === null ? null : lifetimes.rememberedIdle,
  };
  return { session, newCookies };
}
