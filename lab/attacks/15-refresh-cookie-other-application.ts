/** The Store's cookies at the Forum: one company, one provider, two applications. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Attack } from "../attack.ts";
import { Client } from "../client.ts";
import { elsewhere, home, victim } from "../people.ts";
import { minute } from "../schedule.ts";
import type { Target } from "../target.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Refresh cookie at the other application",
  story:
    "The attacker has both cookies of the victim at the Store and presents them at the Forum, where the victim has an account too but is not signed in. To make it as easy as it can get, both applications were given the same cookie keys. Cookies that are not bound to their application make one theft two.",
  source: "ASVS 10.4.5, 7.2.1; RFC 9700 §2.3 (audience)",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: [
    "keys-of-any-application",
    "seal-of-any-application",
    "pair-not-bound",
    "refresh-token-of-any-client",
    "jwt-of-any-audience",
  ],
  async run(target) {
    await shareCookieKey(target);
    const owner = await victim(target);
    const theft = await theftFrom(target);
    const thief = new Client(target.origins.forum, elsewhere);
    for (const [name, value] of owner.cookies) thief.cookies.set(name, value);
    for (let time = 0; time < 3; time++) {
      await theft.attempt(() => isSignedInAtForum(thief));
      await target.pass(4 * minute);
      await theft.meanwhile(() => owner.get(home));
    }
    return theft.measured(owner);
  },
};

async function isSignedInAtForum(thief: Client): Promise<boolean> {
  return (await thief.get("/posts")).status === 200;
}

async function shareCookieKey(target: Target): Promise<void> {
  const path = join(target.data, "secrets.json");
  const secrets = JSON.parse(readFileSync(path, "utf8")) as Record<string, string>;
  const shared = { ...secrets, forumCookieKey: String(secrets["storeCookieKey"]) };
  writeFileSync(path, JSON.stringify(shared));
  await target.restart();
}
