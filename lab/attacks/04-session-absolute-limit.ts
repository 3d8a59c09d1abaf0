/** The stolen session id where there is no refresh token to tell it from its owner's: workflow `sessions`. */
import type { Attack } from "../attack.ts";
import { thiefOf, victim } from "../people.ts";
import { haunt } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Stolen session id in the workflow without refresh tokens, kept in use",
  story:
    "The application keeps sessions only, without refresh tokens. The attacker has a copy of the session cookie and asks often enough that it never idles out. Only a limit that use does not extend ends it.",
  source: "Published attack A1 on workflow W1; WSTG-SESS-07; ASVS 7.3.2",
  promised: {
    kind: "bounded",
    seconds: 43_200,
    why: "In `sessions` nothing tells a session cookie from its copy; 12 hours after signing in it is over. `sessions+refresh-tokens` ends it within 10 minutes.",
  },
  asDescribed: "falls",
  control: ["absolute-limit-ignored"],
  target: { workflow: "sessions" },
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    await haunt(target, theft, { thief: thiefOf(owner, ["session"]), owner });
    return theft.measured();
  },
};
