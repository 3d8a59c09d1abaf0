/** Signing out everywhere in one application, and what is left in the other. */
import { setTimeout } from "node:timers/promises";
import type { Attack } from "../attack.ts";
import { Client } from "../client.ts";
import { ada, elsewhere, signIn, victim } from "../people.ts";
import { minute, second } from "../schedule.ts";
import type { Target } from "../target.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Stolen pair of the Forum after signing out everywhere in the Store",
  story:
    "The victim is signed in to both applications, and the attacker has the Forum's cookies. The victim signs out everywhere, in the Store. The Forum has to hear of it from the provider; until then the attacker reads on.",
  source: "ASVS 7.4.1, 7.4.2, 7.5.2; CWE-613",
  promised: {
    kind: "bounded",
    seconds: 10,
    why: "The other application hears of it by the provider's webhook, as a rule within a second. Where no webhook arrives it asks the provider at the next renewal: the control measures that bound, 10 minutes.",
  },
  asDescribed: "falls",
  control: ["webhooks-ignored"],
  async run(target) {
    const store = await victim(target);
    const forum = await signedInAtForum(target);
    const thief = new Client(target.origins.forum, elsewhere);
    for (const [name, value] of forum.cookies) thief.cookies.set(name, value);
    const answer = await store.submit(await store.get("/account"), "/account/devices/end-all");
    if (answer.status !== 303) throw new Error(`Signing out everywhere was answered ${answer.status}`);
    const theft = await theftFrom(target);
    const reads = async () => (await thief.get("/posts")).status === 200;
    for (let time = 0; time < 12 && (await theft.attempt(reads)); time++) await setTimeout(500);
    for (let passed = 0; passed < 12 * minute && (await theft.attempt(reads)); passed += 30 * second)
      await target.pass(30 * second);
    return theft.measured();
  },
};

async function signedInAtForum(target: Target): Promise<Client> {
  const client = new Client(target.origins.forum);
  const { status } = await signIn(client, ada.email, ada.password);
  if (status !== 302) throw new Error(`Signing in to the Forum was answered ${status}`);
  return client;
}
