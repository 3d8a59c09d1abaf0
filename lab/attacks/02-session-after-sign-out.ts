/** Everything an attacker may have kept of a sign-in, tried once its owner has signed out. */
import type { Attack } from "../attack.ts";
import { cookieName, signOut, thiefOf, victim } from "../people.ts";
import { haunt, minute, seesCart } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Stolen cookies after sign-out",
  story:
    "The attacker copies the session cookie, the refresh cookie and both together, and makes a session of their own of the refresh cookie if they can. Then the victim signs out. Whatever still opens the cart is a sign-out that did not sign out.",
  source: "WSTG-SESS-06; ASVS 7.4.1; CWE-613",
  promised: { kind: "nothing" },
  asDescribed: "falls",
  control: ["no-tombstone", "provider-not-told"],
  async run(target) {
    const owner = await victim(target);
    const session = thiefOf(owner, ["session"]);
    const pair = thiefOf(owner, ["session", "refresh-token"]);
    const ownSession = thiefOf(owner, ["refresh-token"]);
    ownSession.cookies.set(cookieName(owner, "session"), "x".repeat(43));
    await seesCart(ownSession);
    await signOut(owner);
    const theft = await theftFrom(target);
    for (const thief of [session, pair, ownSession]) await theft.attempt(() => seesCart(thief));
    await target.pass(11 * minute);
    for (const thief of [session, ownSession, pair]) await haunt(target, theft, { thief, until: 5 * minute });
    return theft.measured();
  },
};
