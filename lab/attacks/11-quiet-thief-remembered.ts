/** The quiet thief, of a user who asked to stay signed in. */
import type { Attack } from "../attack.ts";
import { thiefOf, victim } from "../people.ts";
import { day, haunt, hour } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: 'Quiet thief: the owner is offline and chose "Keep me signed in"',
  story:
    "As the quiet thief, but the victim asked to stay signed in before closing the browser for good. The attacker comes back every six hours for a month. Only the absolute limit of a remembered sign-in ends it.",
  source: "RFC 9700 §4.14.2 (what rotation can't detect); ASVS 7.3.2",
  promised: {
    kind: "bounded",
    seconds: 2_592_000,
    why: "As above, with the limit of a remembered sign-in: 30 days after the password was given.",
  },
  asDescribed: "holds",
  control: ["limit-moved-by-renewal", "refresh-token-lives-on"],
  async run(target) {
    const owner = await victim(target, { remember: true });
    const theft = await theftFrom(target);
    const thief = thiefOf(owner, ["session", "refresh-token"]);
    await haunt(target, theft, { thief, until: 32 * day, thiefEvery: () => 6 * hour });
    return theft.measured();
  },
};
