/** The provider's refresh token itself, in the hands of somebody who is no application. */
import type { Attack } from "../attack.ts";
import { victim } from "../people.ts";
import { applicationIds, exchangeByGrant, exchangeByJwtApi } from "../provider.ts";
import { theftFrom } from "../theft.ts";
import { rawRefreshToken } from "../unsealed.ts";

export const attack: Attack = {
  title: "Raw refresh token at the provider, without the client's credentials",
  story:
    "The attacker has the provider's own refresh token, from a log or a memory dump, but no client secret. They go to the provider past the applications and try every way to exchange it: the JWT API, the token endpoint without a secret, with a guessed one, and with the secret of the Forum, which is another application. One access token would be enough.",
  source: "RFC 6749 §6, §10.4; RFC 9700 §4.14.2; ASVS 10.4.5, 10.4.10",
  promised: { kind: "nothing" },
  asDescribed: "falls",
  control: ["client-secret-not-checked"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    const token = rawRefreshToken(target, owner);
    const { store, forum } = applicationIds;
    const clients = [
      { id: store, secret: null },
      { id: store, secret: "" },
      { id: store, secret: "guess".repeat(8) },
      { id: forum, secret: target.secret("forumClientSecret") },
    ];
    await theft.attempt(async () => (await exchangeByJwtApi(target, token)) !== null);
    for (const client of clients)
      await theft.attempt(async () => (await exchangeByGrant(target, token, client)) !== null);
    return theft.measured(owner);
  },
};
