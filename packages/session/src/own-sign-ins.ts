/**
 * A user's own sign-ins under the hardened policy: listed, and ended at the user's word. Everything is looked up by the
 * user of the session at hand, never by what a request names alone (CWE-639). Endings are final here before the provider is told.
 */
import type { SignedInDevice } from "./devices.ts";
import { endUnlisted, liveSignIns, payRevocations } from "./endings.ts";
import { idleLimit } from "./lifetimes.ts";
import type { Settings } from "./settings.ts";
import { bury, changeSignIn, endedEverywhere, everywhere, isProviderError, settle } from "./sign-ins.ts";
import type { Device, SessionRecord, SignInRecord } from "./store/store.ts";

/** A list for people: what is longer says nothing to them. */
const mostListed = 100;

/** The user's live sign-ins in this application, last used first. */
export async function ownDevices(
  settings: Settings,
  { user, signInId }: SessionRecord,
): Promise<readonly SignedInDevice[]> {
  const devices: SignedInDevice[] = [];
  for await (const signIn of liveSignIns(settings, user.id)) {
    const lastUsedAt = await lastUse(settings, signIn);
    if (lastUsedAt === null) continue;
    const { id, device, authenticatedAt, remembered } = signIn;
    const { name, address } = device;
    const isThis = id === signInId;
    devices.push({ signInId: id, name, address, authenticatedAt, lastUsedAt, remembered, isThis });
  }
  return devices.sort((one, other) => other.lastUsedAt - one.lastUsedAt).slice(0, mostListed);
}

/** When a sign-in was last used, epoch milliseconds, as far as the store knows; `null` if it is over. */
async function lastUse(settings: Settings, signIn: SignInRecord): Promise<number | null> {
  const { store, lifetimes, renews, now } = settings;
  const { renewedAt, presentedAt, remembered } = signIn;
  if (signIn.ended !== null || now() >= signIn.absoluteExpiresAt) return null;
  if (renews && now() >= renewedAt + idleLimit(lifetimes, remembered)) return null;
  const known = Math.max(renewedAt, presentedAt ?? renewedAt);
  const session = await store.readSession(signIn.current, now());
  // In W1 nothing brings back a session that has idled out.
  if (session === null) return renews ? known : null;
  return Math.max(known, session.expiresAt - lifetimes.sessionIdle);
}

/** Ends another live sign-in of the user; `false`, and nothing has happened, if there is none of that id. */
export async function endAnother(
  settings: Settings,
  { user, signInId: own }: SessionRecord,
  signInId: string,
  { address }: Device,
): Promise<boolean> {
  const { store, application, publish } = settings;
  const signIn = await store.readSignIn(signInId);
  if (signIn === null) return false;
  if (signIn.user.id !== user.id) {
    publish({ type: "device-not-owned", signInId: own, userId: user.id, address });
    return false;
  }
  if (signIn.application !== application || (await lastUse(settings, signIn)) === null) return false;
  const tombstone = await bury(settings, signInId, "ended-from-another-device");
  if (tombstone === null) return false;
  await payRevocations(settings, [tombstone]);
  return true;
}

/** Ends the user's other sign-ins in this application; returns how many of them were live. */
export async function endOthers(settings: Settings, { user, signInId: own }: SessionRecord): Promise<number> {
  const tombstones: SignInRecord[] = [];
  let count = 0;
  for await (const signIn of liveSignIns(settings, user.id)) {
    if (signIn.id === own) continue;
    const wasLive = (await lastUse(settings, signIn)) !== null;
    const tombstone = await bury(settings, signIn.id, "ended-from-another-device");
    if (tombstone === null) continue;
    tombstones.push(tombstone);
    if (wasLive) count++;
  }
  if (!(await payRevocations(settings, tombstones))) return count;
  return count + (await endUnlisted(settings, user.id, "ended-from-another-device", own));
}

/**
 * Ends all of the user's sign-ins in this application, then every refresh-token family of the user at the provider. The
 * sign-in at hand owes that: whichever node comes by pays it when the provider can be reached.
 */
export async function endEverywhere(
  settings: Settings,
  { user, signInId: own }: SessionRecord,
  reason: "signed-out-everywhere" | "password-changed",
): Promise<void> {
  const tombstones = [(await bury(settings, own, everywhere)) ?? (await oweEverywhere(settings, own))];
  for await (const { id } of liveSignIns(settings, user.id))
    tombstones.push(await bury(settings, id, reason));
  const owing = tombstones.filter((tombstone) => tombstone?.revocationOwed === true);
  try {
    await settings.provider.revokeUser(user.id);
    for (const tombstone of owing) if (tombstone !== null) await settle(settings, tombstone.id);
  } catch (error) {
    if (!isProviderError(error)) throw error;
    settings.publish({ type: "revocation-owed", signInId: own, code: error.code });
  }
}

/** A sign-out that got there first owes the provider one family: the tombstone has to name the end that owes all of them. */
function oweEverywhere(settings: Settings, id: string): Promise<SignInRecord | null> {
  return changeSignIn(settings, id, (signIn) =>
    signIn.ended?.reason === everywhere ? null : endedEverywhere(signIn, settings.now()),
  );
}
