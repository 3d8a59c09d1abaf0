/** The matching pair in the hands of somebody who knows, to the second, when its owner makes a request. */
import type { Attack } from "../attack.ts";
import { home, thiefOf, victim } from "../people.ts";
import { hour, minute, second, seesCart } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Matching pair, used in the owner's shadow",
  story:
    "The attacker has copies of both cookies and watches the victim's network, so that they know when a request goes out, though not what is in it. They ask one second after each request of the victim's, like a second tab would. Where the victim opens single pages, minutes apart, both are handed the same new pair each time.",
  source: "RFC 9700 §4.14.2; WSTG-SESS-11; design D7 (the concurrency window)",
  promised: {
    kind: "bounded",
    seconds: 86_400,
    why: "The worst case of the window for parallel requests: a thief who always comes within 30 seconds of the owner's renewal, and before the owner's next request, can't be told from a second tab. The absolute limit ends it: 24 hours, or 30 days where the user stays signed in.",
  },
  asDescribed: "falls",
  control: ["limit-moved-by-renewal"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    const thief = thiefOf(owner, ["session", "refresh-token"]);
    for (let passed = 0, refused = 0; passed < 25 * hour && refused < 3; passed += 4 * minute) {
      await theft.meanwhile(() => owner.get(home));
      await target.pass(second);
      refused = (await theft.attempt(() => seesCart(thief))) ? 0 : refused + 1;
      await target.pass(4 * minute - second);
    }
    return theft.measured();
  },
};
