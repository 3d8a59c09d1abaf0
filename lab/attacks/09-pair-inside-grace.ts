/** The replaced pair, presented within the seconds that browsers with several tabs need. */
import type { Attack } from "../attack.ts";
import { home, thiefOf, victim } from "../people.ts";
import { haunt, minute, second, seesCart } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Matching pair, used inside the window for parallel requests",
  story:
    "Requests of several tabs arrive together, so a pair that was just replaced has to be good for a little longer. The attacker uses theirs inside that time, again and again, and hopes to be handed the new one. After it they go on with whatever they got.",
  source: "RFC 9700 §4.14.2; ASVS 10.4.5; WSTG-SESS-11",
  promised: {
    kind: "caught",
    seconds: 31,
    why: "A pair that was just replaced is served for 30 seconds after its successor was first used, without new cookies; after that, using it is reuse.",
  },
  asDescribed: "falls",
  control: ["window-without-end"],
  async run(target) {
    const owner = await victim(target);
    const thief = thiefOf(owner, ["session", "refresh-token"]);
    await target.pass(11 * minute);
    await owner.get(home);
    await owner.get(home);
    const theft = await theftFrom(target);
    for (let time = 0; time < 4; time++) {
      await target.pass(7 * second);
      await theft.attempt(() => seesCart(thief));
    }
    await target.pass(30 * second);
    await haunt(target, theft, { thief, owner });
    return theft.measured(owner);
  },
};
