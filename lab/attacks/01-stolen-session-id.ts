/** A1 of the published workflows: the session id alone, used at once and for as long as it lasts. */
import type { Attack } from "../attack.ts";
import { thiefOf, victim } from "../people.ts";
import { haunt } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Stolen session id, used at once and kept in use",
  story:
    "The attacker has a copy of the session cookie and nothing else. They ask for the victim's cart with it at once, and go on asking, while the victim goes on shopping. If the session lives for as long as it is used, the attacker stays until somebody signs out.",
  source: "Published attack A1; WSTG-SESS-09; ASVS 7.3.1, 7.3.2; CWE-294",
  promised: {
    kind: "bounded",
    seconds: 600,
    why: "Nothing tells a session cookie from its copy until the next renewal is due, 10 minutes after the last: it needs the refresh cookie too.",
  },
  asDescribed: "falls",
  control: ["renewal-never-due"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    const thief = thiefOf(owner, ["session"]);
    await haunt(target, theft, { thief, owner });
    return theft.measured(owner);
  },
};
