/** The matching pair, presented after its owner has got the next one. */
import type { Attack } from "../attack.ts";
import { home, thiefOf, victim } from "../people.ts";
import { haunt, minute, second } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Matching pair, used after the owner renewed",
  story:
    "The attacker has copies of both cookies, and comes late: the owner's browser has already got the next pair and used it. They present the old pair. It is genuine, so a server that only looks at the token hands them the current one.",
  source: "Published attack A2 with the session id; RFC 9700 §4.14.2; ASVS 10.4.5",
  promised: {
    kind: "caught",
    seconds: 0,
    why: "A pair that comes back after its successor was used is reuse: the sign-in ends for both, and nothing is served.",
  },
  asDescribed: "falls",
  control: ["window-without-end"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    const thief = thiefOf(owner, ["session", "refresh-token"]);
    await target.pass(11 * minute);
    await theft.meanwhile(() => owner.get(home));
    await target.pass(20 * second);
    await theft.meanwhile(() => owner.get(home));
    await target.pass(60 * second);
    await haunt(target, theft, { thief, owner });
    return theft.measured(owner);
  },
};
