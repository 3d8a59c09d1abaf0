/** The matching pair in the hands of somebody behind the owner's own address who knows when its owner makes a request. */
import type { Attack } from "../attack.ts";
import { thiefOf, victim } from "../people.ts";
import { followClosely, minute } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Matching pair, used in the owner's shadow, from the owner's address",
  story:
    "The attacker has copies of both cookies and sits in the victim's network, behind the same address, so that they see when a request goes out, though not what is in it. They ask one second after each request of the victim's, like a second tab would. Where the victim opens single pages, minutes apart, both are handed the same new pair each time.",
  source: "RFC 9700 §4.14.2; WSTG-SESS-11; design D7 (the concurrency window)",
  promised: {
    kind: "bounded",
    seconds: 86_400,
    why: "The worst case of the window for parallel requests: a thief at the owner's address who always comes within 30 seconds of the owner's renewal, and before the owner's next request, can't be told from a second tab. Where a proxy is not trusted, everybody has one address. The absolute limit ends it: 24 hours, or 30 days where the user stays signed in.",
  },
  asDescribed: "falls",
  control: ["limit-moved-by-renewal"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    const thief = thiefOf(owner, ["session", "refresh-token"], { ...owner.options });
    await followClosely(target, theft, { thief, owner, ownerEvery: 4 * minute });
    return theft.measured();
  },
};
