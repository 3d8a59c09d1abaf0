/** The provider's refresh token together with the client's secret: the application's backend was robbed. */
import type { Attack } from "../attack.ts";
import { home, victim } from "../people.ts";
import { applicationIds, exchangeByGrant, exchangeByJwtApi } from "../provider.ts";
import { hour, minute } from "../schedule.ts";
import { theftFrom } from "../theft.ts";
import { rawRefreshToken } from "../unsealed.ts";

export const attack: Attack = {
  title: "Raw refresh token at the provider, with the client's credentials",
  story:
    "The attacker has the provider's refresh token and the Store's client secret, and so can do all the Store can. They exchange the token every five minutes, faster than the victim's browser renews. The victim's own renewal, with a token that is two generations old by then, is what can give them away.",
  source: "RFC 9700 §4.14.2; ASVS 10.4.5",
  promised: {
    kind: "caught",
    seconds: 900,
    why: "With token and client secret the attacker is the application to the provider, until the owner's next renewal presents a token that is two generations old: the provider revokes the family. Access tokens they got live 10 minutes more; the applications' sessions do not rest on those.",
  },
  asDescribed: "falls",
  control: ["family-not-revoked-on-reuse"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    const client = { id: applicationIds.store, secret: target.secret("storeClientSecret") };
    let token = rawRefreshToken(target, owner);
    const exchange = async () => {
      const tokens =
        (await exchangeByGrant(target, token, client)) ?? (await exchangeByJwtApi(target, token));
      token = tokens?.refreshToken ?? token;
      return tokens !== null;
    };
    for (let passed = 0, refused = 0; passed < 25 * hour && refused < 3; passed += 5 * minute) {
      refused = (await theft.attempt(exchange)) ? 0 : refused + 1;
      await target.pass(5 * minute);
      await theft.meanwhile(() => owner.get(home));
    }
    return theft.measured(owner);
  },
};
