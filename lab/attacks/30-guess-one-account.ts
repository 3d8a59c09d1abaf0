/** Guessing one account's password from many places. */
import type { Attack } from "../attack.ts";
import { anotherAddress, candidates, guessAtLoginForm, guessAtOnce, guessPatiently } from "../guessing.ts";
import { ada, victim } from "../people.ts";
import { hour } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Guessing one account's password from many addresses",
  story:
    "The attacker has as many addresses as they like, and a list on which the victim's password stands at place 100. They send forty guesses at once, each from another address and a browser of its own, at both applications; then one by one, as soon as they are told they may, for six hours. The account can be guessed at about 110 times in a day, from wherever: a password among the first of everybody's list falls all the same.",
  source: "WSTG-ATHN-03; ASVS 6.3.1; CWE-307",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["account-not-throttled"],
  async run(target) {
    const owner = await victim(target, { remember: true });
    const theft = await theftFrom(target);
    const list = candidates(ada.password, 100, (index) => `summer holidays ${index}`);
    const at = (origin: string) => (password: string, index: number) =>
      guessAtLoginForm(origin, { email: ada.email, password }, { address: anotherAddress(index) });
    await guessAtOnce(theft, list.slice(0, 40), at(target.origins.store));
    const ways = [at(target.origins.store), at(target.origins.forum)];
    await guessPatiently(target, theft, { list, ways, until: 6 * hour });
    return theft.measured(owner);
  },
};
