/** The race for the renewal, won by the attacker. */
import type { Attack } from "../attack.ts";
import { home, thiefOf, victim } from "../people.ts";
import { haunt, minute, second, seesCart } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Matching pair, renewed before the owner does",
  story:
    "The attacker keeps still until the pair is due for renewal, and renews it a moment before the victim. The victim's browser then holds the old pair, and comes back with it minutes later. Where the old one is just refused, the attacker goes on with the new one.",
  source: "RFC 9700 §4.14.2; ASVS 10.4.5",
  promised: {
    kind: "caught",
    seconds: 900,
    why: "The owner's next request, with the pair that was replaced, is reuse: the attacker's pair ends too.",
  },
  asDescribed: "falls",
  control: ["reuse-not-ended"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    const thief = thiefOf(owner, ["session", "refresh-token"]);
    await target.pass(10 * minute + second);
    await theft.attempt(() => seesCart(thief));
    await theft.attempt(() => seesCart(thief));
    await target.pass(2 * minute);
    await theft.meanwhile(() => owner.get(home));
    await haunt(target, theft, { thief, owner });
    return theft.measured(owner);
  },
};
