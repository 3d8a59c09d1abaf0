/** The current password, guessed at where it can be changed, by somebody who holds a session for a while. */
import type { Attack } from "../attack.ts";
import type { Client } from "../client.ts";
import {
  anotherAddress,
  candidates,
  type Guessed,
  guessAtOnce,
  guessedBy,
  guessPatiently,
} from "../guessing.ts";
import { ada, thiefOf, victim } from "../people.ts";
import { hour } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

const chosen = "now it belongs to me, the thief";

export const attack: Attack = {
  title: "Guessing the password at the page that changes it",
  story:
    "The attacker has a copy of the session cookie right after the victim signed in, and wants the account for good: a changed password would be that. They guess the current one on the page that changes it, twenty times at once and then as soon as they may, from other addresses each time; where that page asks to sign in again, they guess there. The right one stands at place 60 of their list, and they have an hour.",
  source: "ASVS 6.2.3, 6.3.1, 6.3.4; CWE-307, CWE-620",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["account-not-throttled"],
  async run(target) {
    const owner = await victim(target, { remember: true });
    const theft = await theftFrom(target);
    const list = candidates(ada.password, 60, (index) => `summer holidays ${index}`);
    const guess = (password: string, index: number) =>
      guessAt(thiefOf(owner, ["session"], { address: anotherAddress(index) }), password);
    await guessAtOnce(theft, list.slice(0, 20), guess);
    await guessPatiently(target, theft, { list, ways: [guess], until: hour });
    return theft.measured(owner);
  },
};

async function guessAt(thief: Client, password: string): Promise<Guessed> {
  const page = await thief.get("/account/password");
  if (page.status !== 200) return guessAtConfirmation(thief, password);
  const answer = await thief.submit(page, "/account/password", {
    "current-password": password,
    "new-password": chosen,
    "new-password-again": chosen,
  });
  return answer.status === 303 ? "right" : guessedBy(answer);
}

async function guessAtConfirmation(thief: Client, password: string): Promise<Guessed> {
  const page = await thief.get("/login?returnTo=/account/password");
  const { email } = ada;
  const answer = await thief.submit(page, "/login", { email, password });
  return answer.location === "/account/password" ? "right" : guessedBy(answer);
}
