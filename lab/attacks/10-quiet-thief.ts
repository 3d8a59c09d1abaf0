/** The matching pair of somebody who never comes back. */
import type { Attack } from "../attack.ts";
import { thiefOf, victim } from "../people.ts";
import { haunt } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Quiet thief: the owner is offline",
  story:
    "The attacker has copies of both cookies, and the victim has closed the browser. They renew whenever it is due, and nobody ever presents the old pair. Nothing distinguishes them from the owner, so only the absolute limit ends it.",
  source: "RFC 9700 §4.14.2 (what rotation can't detect); ASVS 7.3.2",
  promised: {
    kind: "bounded",
    seconds: 86_400,
    why: "A thief whose owner never comes back can't be told from the owner without a key in the device. The sign-in ends 24 hours after the password was given, and nothing extends that.",
  },
  asDescribed: "falls",
  control: ["limit-moved-by-renewal"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    await haunt(target, theft, { thief: thiefOf(owner, ["session", "refresh-token"]) });
    return theft.measured();
  },
};
