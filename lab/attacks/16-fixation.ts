/** Session fixation: the victim signs in on cookies the attacker knows. */
import type { Attack } from "../attack.ts";
import { Client } from "../client.ts";
import { formFor } from "../html-form.ts";
import { ada, cookieName, elsewhere, grace, home, type Person, signedIn, victim } from "../people.ts";
import { minute, seesCart } from "../schedule.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Session fixation",
  story:
    "The attacker gets cookies they know into the victim's browser, by a shared computer or a sibling host: a made-up session id, then all the cookies of a sign-in of their own. The victim signs in on them. If the session id stays what it was, the attacker is signed in as the victim.",
  source: "WSTG-SESS-03; ASVS 7.2.4; CWE-384",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["session-id-kept-at-sign-in"],
  async run(target) {
    const stays = await victim(target);
    const madeUp = new Client(target.origins.store, elsewhere);
    madeUp.cookies.set(cookieName(madeUp, "session"), "f".repeat(43));
    const own = await signedIn(target, grace, elsewhere);
    const theft = await theftFrom(target);
    for (const attacker of [madeUp, own]) {
      const shared = new Client(target.origins.store);
      for (const [name, value] of attacker.cookies) shared.cookies.set(name, value);
      await signInOn(shared, ada);
      for (let time = 0; time < 2; time++) {
        await theft.attempt(() => seesCart(attacker));
        await target.pass(6 * minute);
      }
    }
    return theft.measured(stays);
  },
};

/** Signs in by whatever form the browser is shown: somebody who is signed in already finds the token on any page. */
async function signInOn(browser: Client, { email, password }: Person): Promise<void> {
  const form = await browser.get("/login");
  const page = form.status === 200 ? form : await browser.get(home);
  const { fields } = formFor(page.text, form.status === 200 ? "/login" : "/logout");
  fields.set("email", email);
  fields.set("password", password);
  const { status } = await browser.send("POST", "/login", { body: fields });
  if (status !== 302) throw new Error(`Signing in was answered ${status}`);
}
