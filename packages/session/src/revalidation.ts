/**
 * W1: a session lives on only as long as the provider, asked again every `revalidateAfter`, stands by its user and has not
 * revoked what it gave at sign-in. In both workflows it is asked when an event of its own has called a session in question.
 */
import { flights } from "./flights.ts";
import type { ProviderUser } from "./provider-contract.ts";
import type { Live } from "./policy.ts";
import type { Settings } from "./settings.ts";
import { endSignIn, hasFamily } from "./sign-ins.ts";
import type { EndReason, SessionRecord } from "./store/store.ts";

/** Asks the provider about a session's user; `null`, and the sign-in is over, where the answer ends it. */
export type Revalidate = (session: SessionRecord) => Promise<Live | null>;

/** Revalidation for one application; requests of one session at once share one question. */
export function revalidation(settings: Settings): Revalidate {
  const share = flights<Live | null>();
  return (session) => share(session.hash, () => revalidate(settings, session));
}

/** Whether the provider has called in question what it last said of a session's user: until it is asked, nothing goes on. */
export function isQuestioned({ vouchedAt, questionedAt }: SessionRecord): boolean {
  return vouchedAt <= questionedAt;
}

async function revalidate(settings: Settings, session: SessionRecord): Promise<Live | null> {
  const { provider, store, publish, now, renews } = settings;
  // From before the question: an answer may be older than an event that comes while it is on its way.
  const vouchedAt = now();
  // One after the other: a provider that may be asked once, to see whether it is back, is not asked twice at a time.
  const known = await provider.retrieveUser(session.user.id);
  // In W2 the renewal that follows asks for the family.
  const asksForFamily = !renews && hasFamily(session.signInId);
  const isFamilyAlive = asksForFamily ? await provider.hasFamily(session.signInId) : true;
  const reason = reasonToEnd(known, session) ?? (isFamilyAlive ? null : "revoked-at-provider");
  if (known === null || reason !== null) {
    await endSignIn(settings, session.signInId, reason ?? "user-not-active");
    return null;
  }
  // A sign-out that broke off between its tombstone and this session must not be outlived by it.
  const signIn = await store.readSignIn(session.signInId);
  if (signIn === null || signIn.ended !== null) {
    await store.deleteSession(session.hash);
    return null;
  }
  if (renews) return { session, newCookies: null };
  const vouched = { ...session, user: known.user, vouchedAt };
  if (!(await store.updateSession(vouched))) return null;
  publish({ type: "revalidated", signInId: session.signInId, userId: session.user.id });
  return { session: vouched, newCookies: null };
}

/** Why what the provider knows of a user now ends a sign-in (ASVS 7.4.2, 7.4.3); `null` if it does not. */
export function reasonToEnd(
  known: ProviderUser | null,
  { authenticatedAt }: { readonly authenticatedAt: number },
): EndReason | null {
  if (known === null || !known.active || !known.registered) return "user-not-active";
  return known.passwordChangedAt > authenticatedAt ? "password-changed" : null;
}
