/** Everything an attacker may have kept of a sign-in, tried once its owner has changed the password elsewhere. */
import type { Attack } from "../attack.ts";
import { ada, cookieName, signedIn, thiefOf, victim } from "../people.ts";
import { haunt, minute, seesCart } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

const newPassword = "a kettle on the windowsill";

export const attack: Attack = {
  title: "Stolen cookies after a password change",
  story:
    "The attacker copies the session cookie, the refresh cookie and both together, and makes a session of their own of the refresh cookie if they can. The victim feels uneasy and changes the password, on another device. Whatever still opens the cart survives the one thing people do to get rid of an intruder.",
  source: "ASVS 7.4.3; WSTG-ATHN-09; CWE-613",
  promised: { kind: "nothing" },
  asDescribed: "falls",
  control: ["other-sign-ins-kept-at-password-change", "webhooks-ignored"],
  async run(target) {
    const robbed = await victim(target);
    const session = thiefOf(robbed, ["session"]);
    const pair = thiefOf(robbed, ["session", "refresh-token"]);
    const ownSession = thiefOf(robbed, ["refresh-token"]);
    ownSession.cookies.set(cookieName(robbed, "session"), "x".repeat(43));
    await seesCart(ownSession);
    const phone = await signedIn(target, ada);
    const form = await phone.get("/account/password");
    const changed = await phone.submit(form, "/account/password", {
      "current-password": ada.password,
      "new-password": newPassword,
      "new-password-again": newPassword,
    });
    if (changed.status !== 303) throw new Error(`Changing the password was answered ${changed.status}`);
    const theft = await theftFrom(target);
    for (const thief of [session, pair, ownSession]) await theft.attempt(() => seesCart(thief));
    await target.pass(11 * minute);
    for (const thief of [session, ownSession, pair]) await haunt(target, theft, { thief, until: 5 * minute });
    return theft.measured(phone);
  },
};
