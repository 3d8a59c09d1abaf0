/**
 * Ending many sign-ins at once: a user's, for an administrator, or what an event of the provider concerns. One after the
 * other, so that a user of ten thousand sign-ins holds up nobody; what is asked for twice is done once.
 */
import { setImmediate } from "node:timers/promises";
import { questioned } from "./judgement.ts";
import type { ProviderEvent } from "./provider-event.ts";
import { clockSkew } from "./provider-keys.ts";
import type { Settings } from "./settings.ts";
import { bury, changeSignIn, everywhere, isProviderError, payRevocation, settle } from "./sign-ins.ts";
import type { EndReason, SignInRecord } from "./store/store.ts";

/** What came of an event. */
export interface Effects {
  /** Sign-ins that are over. */
  readonly ended: number;
  /** Sign-ins whose next request asks the provider. */
  readonly questioned: number;
}

/** Sign-ins that are read at once. */
const portion = 100;

/**
 * Ends every sign-in of a user in this application and tells the provider, as far as it can be reached; the rest is owed.
 * Returns how many have ended.
 */
export async function endSignInsOf(settings: Settings, userId: string, reason: EndReason): Promise<number> {
  const ended: SignInRecord[] = [];
  for await (const { id } of liveSignIns(settings, userId)) {
    const tombstone = await bury(settings, id, reason);
    if (tombstone !== null) ended.push(tombstone);
  }
  if (!(await payRevocations(settings, ended))) return ended.length;
  return ended.length + (await endUnlisted(settings, userId, reason, null));
}

/**
 * Tells the provider of ended sign-ins until it does not answer: it is not waited for once a sign-in. The rest stays owed, and `false`
 * comes back.
 */
export async function payRevocations(settings: Settings, ended: readonly SignInRecord[]): Promise<boolean> {
  for (const { id, revocationOwed } of ended) {
    if (revocationOwed && !(await payRevocation(settings, id))) return false;
  }
  return true;
}

/**
 * Ends what the provider knows of a user in this application and the store does not list, but for `spared`; returns how many of it the
 * store knew. A store that lost records or lists (FLUSHALL, eviction) gets them back from the browsers: those of whoever was to be
 * ended, too. What began within the last minute may be on its way into the store. A provider that is down is not asked again.
 */
export async function endUnlisted(
  settings: Settings,
  userId: string,
  reason: EndReason,
  spared: string | null,
): Promise<number> {
  const { store, provider, now, publish } = settings;
  const begunBefore = now() - clockSkew;
  let count = 0;
  try {
    for (const { id, startedAt } of await provider.familiesOf(userId)) {
      if (id === spared || startedAt >= begunBefore) continue;
      // What has ended is told, or owed, by its tombstone.
      const known = await store.readSignIn(id);
      if (known === null) await provider.revoke(id);
      else if (known.ended === null && (await bury(settings, id, reason)) !== null) {
        count++;
        await payRevocation(settings, id);
      }
    }
  } catch (error) {
    if (!isProviderError(error)) throw error;
    publish({ type: "unavailable", code: error.code, message: error.message });
  }
  return count;
}

/**
 * Does what an event asks for. A sign-in that began before it is over. One that may have begun after it, as clocks differ and
 * events come late and again, is called in question: its next request asks the provider. What is owed for it is left to the
 * upkeep, so that a webhook never waits for the provider that waits for its answer.
 */
export async function applyEvent(settings: Settings, { at, effect }: ProviderEvent): Promise<Effects> {
  const counts = { ended: 0, questioned: 0 };
  if (effect === null) return counts;
  const { subject, reason } = effect;
  const end = async ({ id }: SignInRecord) => {
    if ((await bury(settings, id, reason)) !== null) counts.ended++;
  };
  if (subject.kind === "sign-in") {
    // Its id is the family's, and a family that was revoked is never revived: no clock has to be asked.
    const signIn = await settings.store.readSignIn(subject.signInId);
    if (signIn === null || !isOf(settings, signIn, subject.userId)) return counts;
    await end(signIn);
    if (signIn.revocationOwed && reason === "revoked-at-provider") await settle(settings, signIn.id);
    return counts;
  }
  // An event of the future would end sign-ins that are yet to come.
  const happened = Math.min(at, settings.now());
  const userId = subject.kind === "user" ? subject.userId : null;
  if (reason === "revoked-at-provider") await settleRevoked(settings, userId, happened);
  for await (const signIn of liveSignIns(settings, userId)) {
    if (signIn.authenticatedAt < happened - clockSkew) await end(signIn);
    else if (await question(settings, signIn, happened)) counts.questioned++;
  }
  return counts;
}

/**
 * A provider that deactivates a user, or changes a password, revokes as well and says so next: what was owed for the first is
 * settled by the second. A portion; for the rest the provider is told what it knows.
 */
async function settleRevoked(settings: Settings, userId: string | null, happened: number): Promise<void> {
  for (const signIn of await settings.store.signInsOwingRevocation(portion)) {
    const isRevoked =
      isOf(settings, signIn, userId ?? signIn.user.id) && signIn.authenticatedAt < happened - clockSkew;
    // That debt is of more than this application's sign-ins.
    if (isRevoked && signIn.ended?.reason !== everywhere) await settle(settings, signIn.id);
  }
}

function isOf({ application }: Settings, signIn: SignInRecord, userId: string): boolean {
  return signIn.application === application && signIn.user.id === userId;
}

/** Makes a sign-in's session due, unless the provider has vouched for it well after `happened`; `false` if it has ended. */
async function question(settings: Settings, { id }: SignInRecord, happened: number): Promise<boolean> {
  // A renewal that is under way may hold an answer from before: it loses its race against this, and asks again.
  const signIn = await changeSignIn(settings, id, (live) => (live.ended === null ? questioned(live) : null));
  if (signIn === null) return false;
  await settings.store.questionSession(signIn.current, Math.min(settings.now(), happened + clockSkew));
  return true;
}

/** The sign-ins that have not ended, of one user or (`null`) of all, one by one. */
export async function* liveSignIns(
  { store, application }: Settings,
  userId: string | null,
): AsyncGenerator<SignInRecord> {
  let after: SignInRecord | null = null;
  for (;;) {
    const signIns: readonly SignInRecord[] = await store.liveSignIns({
      application,
      userId,
      after,
      limit: portion,
    });
    for (const signIn of signIns) {
      yield signIn;
      // A store in this process answers without letting anybody else have a turn.
      await setImmediate();
    }
    after = signIns.at(-1) ?? null;
    if (signIns.length < portion) return;
  }
}
