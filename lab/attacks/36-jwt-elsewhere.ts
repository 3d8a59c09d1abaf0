/** Genuine access tokens where, or when, they are not meant. */
import type { Attack } from "../attack.ts";
import { ada, grace, signedIn, victim } from "../people.ts";
import {
  accessTokenOf,
  applicationIds,
  endsSignIn,
  exchangeByGrant,
  exchangeByJwtApi,
  isTakenAnywhere,
  keylessApplication,
} from "../provider.ts";
import { minute } from "../schedule.ts";
import { families, theftFrom } from "../theft.ts";
import { rawRefreshToken } from "../unsealed.ts";

export const attack: Attack = {
  title: "Genuine access tokens elsewhere and later",
  story:
    "The attacker has copies of access tokens that the provider really signed: their own, the victim's for another application, and the victim's for the Store, eleven minutes old. With the first two they try to end the victim's sign-in at the Store; the last they show to every endpoint that takes one.",
  source: "RFC 8725 §3.9; RFC 9068 §4; ASVS 9.2.1, 9.2.3; CWE-613, CWE-863",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["token-of-any-audience", "expired-jwt-accepted"],
  async run(target) {
    const phone = await keylessApplication(target);
    const robbed = await signedIn(target, ada);
    const refreshToken = rawRefreshToken(target, robbed);
    const secret = target.secret("storeClientSecret");
    const client = { id: applicationIds.store, secret };
    const tokens =
      (await exchangeByGrant(target, refreshToken, client)) ?? (await exchangeByJwtApi(target, refreshToken));
    if (tokens === null) throw new Error("The Store's refresh token was not exchanged");

    await target.pass(11 * minute);
    const before = await families(target);
    const owner = await victim(target);
    const signInId = (await families(target)).find((id) => !before.includes(id)) ?? "";
    const elsewhere = [await accessTokenOf(target, phone, grace), await accessTokenOf(target, phone, ada)];
    const theft = await theftFrom(target);
    for (const token of elsewhere) await theft.attempt(() => endsSignIn(target, token, signInId));
    await theft.attempt(() => isTakenAnywhere(target, tokens.accessToken, signInId));
    return theft.measured(owner);
  },
};
