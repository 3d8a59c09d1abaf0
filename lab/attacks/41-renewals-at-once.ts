/** One pair of cookies, fifty times at once, at an application. */
import type { Attack } from "../attack.ts";
import type { Client } from "../client.ts";
import { cookieName, elsewhere, home, thiefOf, victim } from "../people.ts";
import { minute } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Fifty renewals at once, at the application",
  story:
    "The attacker has copies of both cookies, and sends fifty requests with them at the moment a renewal is due, together with the victim's own, and some more right after. If the race leaves two sessions of one sign-in, the attacker keeps one that the victim's requests never meet.",
  source: "WSTG-SESS-01; ASVS 7.2.4; CWE-362",
  promised: { kind: "nothing" },
  asDescribed: "falls",
  control: ["concurrent-gets-another-session"],
  async run(target) {
    const owner = await victim(target);
    const old = sessionId(owner);
    // From elsewhere, and from behind the victim's own address.
    const copies = (count: number) =>
      Array.from({ length: count }, (_, index) =>
        thiefOf(owner, ["session", "refresh-token"], index % 2 === 0 ? elsewhere : {}),
      );
    const atOnce = copies(50);
    const after = copies(10);
    await target.pass(31 * minute);
    const theft = await theftFrom(target);
    await theft.attempt(async () => {
      await Promise.all([owner, ...atOnce].map((client) => client.get(home)));
      // Nobody has come with the new session yet: for all the application knows these are the victim's slower tabs.
      await Promise.all(after.map((client) => client.get(home)));
      const handedOut = new Set([owner, ...atOnce, ...after].map(sessionId));
      handedOut.delete(old);
      return handedOut.size > 1;
    });
    return theft.measured(owner);
  },
};

function sessionId(client: Client): string | undefined {
  return client.cookies.get(cookieName(client, "session"));
}
