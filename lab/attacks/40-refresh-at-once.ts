/** One refresh token, fifty times at once, at the provider. */
import type { Attack } from "../attack.ts";
import { victim } from "../people.ts";
import { applicationIds, exchangeByGrant, exchangeByJwtApi } from "../provider.ts";
import { minute } from "../schedule.ts";
import { families, theftFrom } from "../theft.ts";
import { rawRefreshToken } from "../unsealed.ts";

export const attack: Attack = {
  title: "Fifty refreshes at once, at the provider",
  story:
    "The attacker has the provider's refresh token and the Store's client secret, and exchanges the token fifty times at once, hoping that the race leaves more than one successor: a line of tokens for them, and one for the victim, that never meet. Or that the provider takes it for a theft, and the victim is signed out.",
  source: "RFC 9700 §4.14.2; ASVS 10.4.5; CWE-362, CWE-367",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["predecessor-never-repeated"],
  async run(target) {
    const owner = await victim(target);
    const token = rawRefreshToken(target, owner);
    const client = { id: applicationIds.store, secret: target.secret("storeClientSecret") };
    const before = await families(target);
    const theft = await theftFrom(target);
    const exchange = async () =>
      (await exchangeByGrant(target, token, client)) ?? (await exchangeByJwtApi(target, token));
    await theft.attempt(async () => {
      const tokens = await Promise.all(Array.from({ length: 50 }, exchange));
      const successors = new Set(tokens.map((each) => each?.refreshToken).filter(Boolean));
      return successors.size > 1 || (await families(target)).length > before.length;
    });
    await target.pass(11 * minute);
    return theft.measured(owner);
  },
};
