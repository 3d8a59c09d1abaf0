/** The matching pair in use by two: the attacker at once, its owner all the while. */
import type { Attack } from "../attack.ts";
import { thiefOf, victim } from "../people.ts";
import { haunt } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Matching pair, used at once",
  story:
    "The attacker has copies of both cookies and uses them like a browser would, renewals included. The victim goes on shopping, with a request every four minutes. Unless somebody notices that two of them renew, the attacker stays for as long as the sign-in.",
  source: "WSTG-SESS-09; RFC 9700 §4.14.2; ASVS 10.4.5",
  promised: {
    kind: "caught",
    seconds: 900,
    why: "Until the first renewal, 10 minutes after the last, both cookies are as good as their owner's; once both have renewed from the same pair the sign-in ends, here with the owner's next request.",
  },
  asDescribed: "falls",
  control: ["reuse-not-ended"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    await haunt(target, theft, { thief: thiefOf(owner, ["session", "refresh-token"]), owner });
    return theft.measured(owner);
  },
};
