/** The cookie by which the provider knows a device. */
import type { Attack } from "../attack.ts";
import { Client } from "../client.ts";
import { anotherAddress, candidates, guessAtLoginForm, guessAtOnce, guessPatiently } from "../guessing.ts";
import { ada, elsewhere, victim } from "../people.ts";
import { hour, seesCart } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Stolen device cookie",
  story:
    "The attacker has the long-lived cookie by which the victim's browser is known, and nothing else. They look whether it opens anything; then they guess at the password with it, where guesses from elsewhere do not count, forty at once and then as soon as they may, each guess also without it, so as to have two allowances, for four hours. The right one stands at place 110. The cookie is worth a second allowance of about 110 guesses a day; and failures with it make the owner wait, too, if they sign in anew on that device meanwhile.",
  source: "ASVS 6.3.1; CWE-307; OWASP Device Cookies",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["known-device-not-throttled"],
  async run(target) {
    const owner = await victim(target, { remember: true });
    const theft = await theftFrom(target);
    const cookies = new Map([...owner.cookies].filter(([name]) => name.endsWith("device")));
    const thief = new Client(target.origins.store, elsewhere);
    for (const [name, value] of cookies) thief.cookies.set(name, value);
    await theft.attempt(() => seesCart(thief));
    await theft.attempt(async () => (await thief.get("/account")).status === 200);

    const list = candidates(ada.password, 110, (index) => `summer holidays ${index}`);
    const guess = (with_: ReadonlyMap<string, string>) => (password: string, index: number) =>
      guessAtLoginForm(
        target.origins.store,
        { email: ada.email, password },
        { cookies: with_, address: anotherAddress(index) },
      );
    await guessAtOnce(theft, list.slice(0, 40), guess(cookies));
    await guessPatiently(target, theft, { list, ways: [guess(cookies), guess(new Map())], until: 4 * hour });
    return theft.measured(owner);
  },
};
