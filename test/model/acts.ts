/** What the people of a history do: in an application by its visitor, or at the provider with an administrator's key. */
import type { Act, Flight, History } from "./history.ts";
import type { Person } from "./provider.ts";
import { beginEnding, completeEnding, type SignIn } from "./truth.ts";
import { reachable } from "./verdict.ts";

/** Looks at a page. */
export const look: Act = async (_visitor, found) => found;

/** Signs a person in. */
export function signInAs(history: History, person: Person, remember: boolean): Act {
  return async (visitor, found, flight) => {
    if (found !== null) found.mayBeOver = true;
    const { email: loginId, password, isActive } = person;
    const result = await visitor.signIn({ loginId, password, remember });
    if (result.outcome !== "signed-in") return found;
    if (!isActive && person.sweptSince < flight.order)
      history.broken.push("a deactivated user was signed in");
    if (found !== null) await history.end([found], async () => undefined);
    return history.began(result.session, person, remember, flight);
  };
}

/** Signs out here. */
export function signOut(history: History): Act {
  return async (visitor, found) => {
    await history.end(found === null ? [] : [found], () => visitor.signOut());
    return null;
  };
}

/** Signs out of the other devices, here. */
export function signOutOthers(history: History): Act {
  return async (visitor, found) => {
    if (found === null) return null;
    const others = live(history, found.person).filter(
      (each) => each !== found && each.application === found.application,
    );
    await sweeping(history, found.person, () => history.end(others, () => visitor.signOutOthers()));
    return found;
  };
}

/** Ends one of the devices on the list; where it ends anything else, the history is broken. */
export function endDevice(history: History, index: number): Act {
  return async (visitor, found) => {
    if (found === null) return null;
    const listed = await visitor.devices();
    for (const { signInId } of listed) {
      const signIn = history.signIns.get(signInId);
      if (
        signIn !== undefined &&
        (signIn.person !== found.person || signIn.application !== found.application)
      )
        history.broken.push("a list of devices shows somebody else's");
    }
    const chosen = history.signIns.get(listed[index % listed.length]?.signInId ?? "");
    const stranger = [...history.signIns.values()].find(({ person }) => person !== found.person);
    if (stranger !== undefined && (await visitor.endDevice(stranger.id)))
      history.broken.push("somebody ended another's sign-in");
    if (chosen === undefined) return found;
    await history.end([chosen], () => visitor.endDevice(chosen.id));
    return chosen === found ? null : found;
  };
}

/** Signs out everywhere: here at once, in the other application as soon as it asks the provider. */
export function signOutEverywhere(history: History): Act {
  return async (visitor, found, flight) => {
    if (found === null) return null;
    const ended = await endAll(history, found, () => visitor.signOutEverywhere());
    disown(history, flight, ended);
    return null;
  };
}

/** Changes the password: everything ends as with `signOutEverywhere`, and this browser has a new sign-in. */
export function changePassword(history: History): Act {
  return async (visitor, found, flight) => {
    if (found === null) return null;
    const { person } = found;
    const newPassword = `another pass phrase ${history.order} ${person.id}`;
    const form = { currentPassword: person.password, newPassword };
    let session = null;
    const ended = await endAll(history, found, async () => {
      const result = await visitor.changePassword(form);
      if (result.outcome !== "changed") return false;
      person.password = newPassword;
      session = result.session;
      return true;
    });
    if (person.password !== newPassword) return found;
    disown(history, flight, ended);
    // What was swept was swept before this one began.
    return session === null
      ? null
      : history.began(session, person, found.remembered, { ...flight, order: history.order });
  };
}

/** Answers the sign-ins there were: those here are over, those of the other application are to be. */
async function endAll(
  history: History,
  found: SignIn,
  ending: () => Promise<unknown>,
): Promise<readonly SignIn[]> {
  const all = live(history, found.person);
  for (const signIn of all) signIn.mayBeOver = true;
  const here = all.filter(({ application }) => application === found.application);
  await sweeping(history, found.person, async () => {
    beginEnding(here);
    const hasEnded = (await ending()) !== false;
    history.order += 1;
    completeEnding(here, history.order, hasEnded);
  });
  return all;
}

/** The provider has heard of it too, if it could be reached all the time; if not, that is owed and paid later. */
function disown(history: History, flight: Flight, signIns: readonly SignIn[]): void {
  if (!reachable(history.reach, flight)) return;
  for (const signIn of signIns) signIn.disownedAt ??= history.now();
}

/** What begins while all sign-ins of a person are ended may be ended with them. */
async function sweeping(history: History, person: Person, work: () => Promise<void>): Promise<void> {
  person.sweeps += 1;
  await work();
  person.sweeps -= 1;
  history.order += 1;
  person.sweptSince = history.order;
}

function live(history: History, person: Person): SignIn[] {
  return [...history.signIns.values()].filter(
    (signIn) => signIn.person === person && signIn.endedSince === null,
  );
}

/** Calls of an administrator; the provider has done it when they return. */
export const administrator = {
  /** Revokes one family; where sessions are not renewed, the provider is asked whether it is still there. */
  async revoke(history: History, signIn: SignIn): Promise<void> {
    await history.provider.api("DELETE", `/api/jwt/refresh/${signIn.id}`);
    signIn.mayBeOver = true;
    signIn.disownedAt ??= history.now();
  },

  /** Revokes all of a user's families. */
  revokeAll: (history: History, person: Person): Promise<void> =>
    sweeping(history, person, async () => {
      await history.provider.api("DELETE", `/api/jwt/refresh?userId=${person.id}`);
      for (const signIn of live(history, person)) {
        signIn.mayBeOver = true;
        signIn.disownedAt ??= history.now();
      }
    }),

  deactivate: (history: History, person: Person): Promise<void> =>
    sweeping(history, person, async () => {
      await history.provider.api("DELETE", `/api/user/${person.id}`);
      person.isActive = false;
      for (const signIn of live(history, person)) {
        signIn.mayBeOver = true;
        signIn.disownedAt ??= history.now();
      }
    }),
};
