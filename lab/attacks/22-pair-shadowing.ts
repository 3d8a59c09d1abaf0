/** The matching pair in the hands of somebody who knows, to the second, when its owner makes a request, but sits elsewhere. */
import type { Attack } from "../attack.ts";
import { thiefOf, victim } from "../people.ts";
import { followClosely, minute } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Matching pair, used in the owner's shadow, from elsewhere",
  story:
    "The attacker has copies of both cookies and learns at once, from far away, when a request of the victim's goes out. They ask one second after each, like a second tab would. Where the victim opens single pages, minutes apart, both would be handed the same new pair each time.",
  source: "RFC 9700 §4.14.2; WSTG-SESS-11; design D7 (the concurrency window)",
  promised: {
    kind: "caught",
    seconds: 1_320,
    why: "A session that nobody has presented yet goes to the address it was minted for, so the attacker keeps the old pair. It is served until 30 seconds after the owner's first request with the new one: 10 minutes of use and two of the owner's requests, four minutes apart, later.",
  },
  asDescribed: "falls",
  control: ["handed-to-any-address"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    const thief = thiefOf(owner, ["session", "refresh-token"]);
    await followClosely(target, theft, { thief, owner, ownerEvery: 4 * minute });
    return theft.measured(owner);
  },
};
