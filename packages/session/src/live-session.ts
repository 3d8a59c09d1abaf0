/** The session a cookie leads to: found and extended in one look-up, and marked when it is first presented. */
import { presented } from "./judgement.ts";
import type { Settings } from "./settings.ts";
import { changeSignIn } from "./sign-ins.ts";
import type { SessionRecord } from "./store/store.ts";

/** The live session of that hash, extended; `null` if there is none. */
export async function useSession(settings: Settings, hash: string): Promise<SessionRecord | null> {
  const { store, now, lifetimes, publish } = settings;
  const session = await store.useSession(hash, now(), lifetimes.sessionIdle);
  if (session === null) return null;
  if (!session.presented && !(await markPresented(settings, session))) return null;
  const { signInId, user, expiresAt } = session;
  publish({ type: "session-extended", signInId, userId: user.id, expiresAt });
  return session;
}

/**
 * Tells the sign-in that a browser holds its current session: from now on the one before is no lost answer (D7).
 * `false` if the session is not the current one any more, or the sign-in has ended: then it is no session.
 */
async function markPresented(settings: Settings, session: SessionRecord): Promise<boolean> {
  const { store, now } = settings;
  await changeSignIn(settings, session.signInId, (signIn) =>
    signIn.ended === null && signIn.current === session.hash && signIn.presentedAt === null
      ? presented(signIn, now())
      : null,
  );
  const signIn = await store.readSignIn(session.signInId);
  const isCurrent = signIn !== null && signIn.ended === null && signIn.current === session.hash;
  if (isCurrent) await store.updateSession({ ...session, presented: true });
  else await store.deleteSession(session.hash);
  return isCurrent;
}
