/** Webhooks that the provider did send, sent again. */
import type { Attack } from "../attack.ts";
import { callApi, type Client } from "../client.ts";
import { ada, home, shopper, showsVictimsCart, signedIn } from "../people.ts";
import { hour, minute } from "../schedule.ts";
import type { Target } from "../target.ts";
import { theftFrom } from "../theft.ts";
import { type Overheard, sendWebhook, withWebhooksOverheard } from "../webhooks.ts";

const lookedAt = [0, minute / 2, minute, 2 * minute, 4 * minute, 6 * minute, hour];

export const attack: Attack = {
  title: "Replayed webhooks",
  story:
    "The attacker has read two of the provider's webhooks on their way, signature and all: that all of the victim's sign-ins were revoked, and that the password was changed. The victim has signed in again since. The attacker sends both again, to both applications, ten at once: at once, within the five minutes a signature is good for, and later. Each time the victim must be let in as if nothing had been sent.",
  source: "CWE-294; ASVS 7.4.1; FusionAuth webhook signatures",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["late-event-ends-newer-sign-ins", "stale-webhooks-taken"],
  async run(target) {
    const robbed = await signedIn(target, ada);
    const overheard = await withWebhooksOverheard(target, async (next) => {
      await callApi(target.origins.idp, "DELETE", `/api/jwt/refresh?userId=${ada.id}`, {
        authorization: target.secret("apiKey"),
      });
      const revoked = await next("jwt.refresh-token.revoke");
      await changePassword(await signedIn(target, ada));
      return [revoked, await next("user.password.update")];
    });
    await robbed.get(home);
    const owner = await shopper(target, { ...ada, password });
    const theft = await theftFrom(target);
    for (const [index, at] of lookedAt.entries()) {
      await target.pass(at - (lookedAt[index - 1] ?? 0));
      for (const webhook of overheard) await theft.attempt(() => isOut(target, owner, webhook));
    }
    return theft.measured(owner);
  },
};

const password = "notes on the second engine";

async function changePassword(client: Client): Promise<void> {
  const answer = await client.submit(await client.get("/account/password"), "/account/password", {
    "current-password": ada.password,
    "new-password": password,
    "new-password-again": password,
  });
  if (answer.status !== 303) throw new Error(`Changing the password was answered ${answer.status}`);
}

async function isOut(target: Target, owner: Client, webhook: Overheard): Promise<boolean> {
  const { store, forum } = target.origins;
  const tenAtOnce = Array.from({ length: 10 }, (_, index) => sendWebhook(index % 2 ? forum : store, webhook));
  const [during] = await Promise.all([owner.get(home), ...tenAtOnce]);
  return !showsVictimsCart(during) || !showsVictimsCart(await owner.get(home));
}
