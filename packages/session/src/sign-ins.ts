/**
 * Changing and ending sign-ins. Ending is final (D8): the session, the tombstone, the session once more, then the provider; what
 * the provider could not be told is owed, and paid later by whichever node comes by.
 */
import {
  IdentityProviderMisconfiguredError,
  IdentityProviderUnavailableError,
  SessionStoreUnavailableError,
} from "./errors.ts";
import { ended, paid } from "./judgement.ts";
import type { Settings } from "./settings.ts";
import type { EndReason, SessionRecord, SignInRecord } from "./store/store.ts";

/** How the id of a sign-in starts that the provider gave no refresh token for. */
const withoutFamily = "own.";

/** An id for a sign-in without a refresh token: its end is nobody's business but ours. */
export function ownSignInId({ randomBytes }: Settings): string {
  return `${withoutFamily}${randomBytes(16).toString("base64url")}`;
}

/** Whether the provider gave a refresh token for this sign-in. */
export function hasFamily(signInId: string): boolean {
  return !signInId.startsWith(withoutFamily);
}

/** What a new sign-in record is made of. */
export type NewSignIn = Pick<
  SignInRecord,
  "id" | "user" | "device" | "authenticatedAt" | "renewedAt" | "remembered" | "current"
>;

/** A sign-in record that nothing has happened to yet. Its absolute limit counts from the authentication (D5). */
export function newSignIn(settings: Settings, facts: NewSignIn): SignInRecord {
  return {
    ...facts,
    version: 0,
    application: settings.application,
    mintedAt: facts.renewedAt,
    absoluteExpiresAt: facts.authenticatedAt + absoluteLimit(settings, facts.remembered),
    previous: null,
    attempt: 0,
    mintedFor: null,
    presentedAt: null,
    ended: null,
    revocationOwed: false,
  };
}

/** Milliseconds from authentication to the end nothing extends. */
export function absoluteLimit({ lifetimes }: Settings, remembered: boolean): number {
  return remembered ? lifetimes.rememberedAbsolute : lifetimes.signInAbsolute;
}

/** A session of a sign-in, found by that hash; it is vouched for since the sign-in's last renewal. */
export function newSession(
  { now, lifetimes }: Settings,
  signIn: SignInRecord,
  hash: string = signIn.current,
): SessionRecord {
  const { id, user, authenticatedAt, renewedAt, absoluteExpiresAt } = signIn;
  return {
    hash,
    signInId: id,
    user,
    authenticatedAt,
    vouchedAt: renewedAt,
    questionedAt: 0,
    expiresAt: Math.min(now() + lifetimes.sessionIdle, absoluteExpiresAt),
    absoluteExpiresAt,
    presented: false,
  };
}

/** A change that keeps losing the race this often means a broken store, not a busy one. */
const attempts = 20;

/**
 * Applies a change to a sign-in as it is now, again if somebody else was faster. `null` if there is no such sign-in, or
 * if `next` returned `null` for it (nothing to change).
 */
export async function changeSignIn(
  { store }: Settings,
  id: string,
  next: (signIn: SignInRecord) => SignInRecord | null,
): Promise<SignInRecord | null> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const signIn = await store.readSignIn(id);
    const changed = signIn === null ? null : next(signIn);
    if (changed === null || (await store.updateSignIn(changed))) return changed;
  }
  throw new SessionStoreUnavailableError("The session store refuses every change of a sign-in.");
}

/** Ends that the provider brought about itself: it need not be told. */
const knownToProvider: ReadonlySet<EndReason> = new Set<EndReason>([
  "refused-by-provider",
  "revoked-at-provider",
  "user-deleted",
]);

/** The end that owes the provider more than its own family: all of the user's, in every application. */
export const everywhere = "signed-out-everywhere";

/** Milliseconds for which that is owed at least: the other families go on when this sign-in's own limit has passed. */
const owedAtLeast = 24 * 3_600_000;

/** The tombstone of a sign-in that ends everywhere. */
export function endedEverywhere(signIn: SignInRecord, now: number): SignInRecord {
  const absoluteExpiresAt = Math.max(signIn.absoluteExpiresAt, now + owedAtLeast);
  return { ...ended(signIn, everywhere, true, now), absoluteExpiresAt };
}

/**
 * Ends a sign-in for every artefact: session cookie, refresh cookie, raw refresh token. Ending one that has ended only
 * makes sure of its session, which may have outlived an ending that broke off half-way. The provider is told, unless it
 * knows already or has never given a refresh token.
 */
export async function endSignIn(settings: Settings, id: string, reason: EndReason): Promise<void> {
  const tombstone = await bury(settings, id, reason);
  if (tombstone?.revocationOwed === true) await payRevocation(settings, id);
}

/** The same without telling the provider: that stays owed. `null` if the sign-in had ended before, or is unknown. */
export async function bury(settings: Settings, id: string, reason: EndReason): Promise<SignInRecord | null> {
  const { store, publish, now } = settings;
  const owed = !knownToProvider.has(reason) && hasFamily(id);
  // Before the tombstone, too: whoever dies right after writing it leaves no session behind that goes on answering. A store that can't
  // delete them can perhaps still keep the tombstone; below it says so to the caller.
  const live = await store.readSignIn(id);
  if (live?.ended === null) await deleteSessions(settings, live).catch(() => undefined);
  const over = (signIn: SignInRecord) =>
    reason === everywhere ? endedEverywhere(signIn, now()) : ended(signIn, reason, owed, now());
  const tombstone = await changeSignIn(settings, id, (signIn) =>
    signIn.ended === null ? over(signIn) : null,
  );
  const signIn = tombstone ?? (await store.readSignIn(id));
  if (signIn === null) return null;
  if (tombstone !== null) publish({ type: "sign-in-ended", signInId: id, userId: signIn.user.id, reason });
  await deleteSessions(settings, signIn);
  return tombstone;
}

async function deleteSessions({ store }: Settings, { current, previous }: SignInRecord): Promise<void> {
  await store.deleteSession(current);
  // A renewal that has moved the sign-in on, and no further, leaves the session it came from to whoever ends it.
  if (previous !== null) await store.deleteSession(previous);
}

/** Tells the provider of an ended sign-in; `false` if it could not be told, and then that stays owed. */
export async function payRevocation(settings: Settings, id: string): Promise<boolean> {
  try {
    await tellProvider(settings, id);
    await settle(settings, id);
    return true;
  } catch (error) {
    if (!isProviderError(error)) throw error;
    settings.publish({ type: "revocation-owed", signInId: id, code: error.code });
    return false;
  }
}

/** Sign-ins that are spared by name where clocks differ: nobody has so many, and reading a stranger's million takes too long. */
const mostSpared = 1_000;

async function tellProvider({ store, provider }: Settings, id: string): Promise<void> {
  const signIn = await store.readSignIn(id);
  const end = signIn?.ended ?? null;
  if (hasFamily(id)) await provider.revoke(id, end?.reason === "reuse-detected" ? "reuse" : undefined);
  if (signIn === null || end?.reason !== everywhere) return;
  // Said late, it must not end what the user has begun since.
  const { application, user } = signIn;
  const after = { authenticatedAt: end.at, id: "" };
  const begunSince = await store.liveSignIns({ application, userId: user.id, after, limit: mostSpared });
  await provider.revokeUserUntil(user.id, end.at, new Set(begunSince.map((each) => each.id)));
}

/** Notes that the provider has heard of an end. */
export async function settle(settings: Settings, id: string): Promise<void> {
  await changeSignIn(settings, id, (signIn) => (signIn.revocationOwed ? paid(signIn) : null));
  settings.publish({ type: "revocation-paid", signInId: id });
}

/** Whether an exception says that the provider gave no usable answer: never a reason to sign anybody out. */
export function isProviderError(
  error: unknown,
): error is IdentityProviderUnavailableError | IdentityProviderMisconfiguredError {
  return (
    error instanceof IdentityProviderUnavailableError || error instanceof IdentityProviderMisconfiguredError
  );
}
