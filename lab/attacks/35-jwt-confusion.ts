/** Forged access tokens, at every endpoint of the provider that takes one. */
import type { Attack } from "../attack.ts";
import { claimsIn, forgeries, ownKey, publishedKey } from "../json-web-token.ts";
import { localServer } from "../local-server.ts";
import { ada, grace, victim } from "../people.ts";
import { accessTokenOf, applicationIds, isTakenAnywhere, keylessApplication } from "../provider.ts";
import { families, theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "JWT confusion",
  story:
    "The attacker has an account and so an access token of their own, knows the provider's public keys, as everybody does, and the ids of the victim and of their sign-in. They make tokens in the victim's name: with alg none, with the public key as an HMAC secret, with keys of their own that the header names, brings along or says where to fetch, with a kid that is a path or a piece of SQL, with signatures of zeros. Each is shown to every endpoint that takes an access token, as a header and as a cookie. Between an application and its provider no attacker stands, so that side is not here: the library's own tests try it there.",
  source: "RFC 8725 §2, §3; ASVS 9.1.1, 9.1.2, 9.1.3; CWE-347; CVE-2022-21449",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["unsigned-jwt-accepted"],
  async run(target) {
    const owner = await victim(target);
    const genuine = await accessTokenOf(target, await keylessApplication(target), grace);
    const published = await publishedKey(target);
    const [signInId = ""] = await families(target);
    const theft = await theftFrom(target);
    const keys = JSON.stringify({ keys: [ownKey("attacker"), ownKey(published.kid)] });
    const server = await localServer((_, response) => response.end(keys));
    const victims = { sub: ada.id, email: ada.email, sid: signInId, aud: applicationIds.store };
    const claims = { ...claimsIn(genuine), ...victims, applicationId: applicationIds.store };
    try {
      for (const { token } of forgeries({ published, genuine, claims, keyServer: server.origin }))
        await theft.attempt(() => isTakenAnywhere(target, token, signInId));
      // A provider that fetches what a token names can be sent anywhere (CWE-918).
      await theft.attempt(async () => server.asked.length > 0);
    } finally {
      await server.close();
    }
    return theft.measured(owner);
  },
};
