/** A2 of the published workflows: the refresh cookie, with a session id that was made up. */
import type { Attack } from "../attack.ts";
import { cookieName, thiefOf, victim } from "../people.ts";
import { haunt } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Stolen refresh cookie with a bad session id",
  story:
    "The attacker has a copy of the refresh-token cookie, but no session id. They send it with a session id that they made up, and once with none. If the refresh token is enough, they get a session of their own and the victim's cart.",
  source: "Published attack A2; ASVS 10.4.5; RFC 9700 §4.14",
  promised: { kind: "nothing" },
  asDescribed: "falls",
  control: ["pair-not-bound"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    const bare = thiefOf(owner, ["refresh-token"]);
    const thief = thiefOf(owner, ["refresh-token"]);
    thief.cookies.set(cookieName(thief, "session"), "x".repeat(43));
    await haunt(target, theft, { thief: bare, until: 0 });
    await haunt(target, theft, { thief, owner });
    return theft.measured(owner);
  },
};
