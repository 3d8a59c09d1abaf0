// What the variables say that production should not. Pure.

import { type IdpConfig, isLoopback, isSample } from "../../config.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** What is to be said of the configuration; what createIdp refuses is not here. */
export function configurationFindings({
  issuer,
  keys,
  production,
  signingAlgorithm,
  mail,
}: IdpConfig): Finding[] {
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  return [
    url !== null && url.protocol !== "https:" && !isLoopback(url)
      ? warning(
          "issuer",
          `${issuer} is not https: tokens and secrets cross the network in clear`,
          "ISSUER=https://…",
        )
      : ok("issuer", issuer),
    production === true
      ? ok("configuration", "production")
      : warning("configuration", "NODE_ENV is not production: samples are taken", "NODE_ENV=production"),
    keys.some(({ secret }) => isSample(secret))
      ? warning(
          "KEYS",
          "holds a sample secret: everybody can make refresh tokens",
          "a new key, before the others",
        )
      : ok("KEYS", `${keys[0]?.id ?? ""} writes, ${keys.length} open`),
    ...(signingAlgorithm === "RS256"
      ? [warning("SIGNING_ALGORITHM", "RS256", "ES256, unless a client knows nothing else")]
      : []),
    ...(mail === undefined
      ? [
          warning(
            "mail",
            "is not configured: users don't hear of a copied cookie or a new password",
            "SMTP_URL and MAIL_FROM",
          ),
        ]
      : []),
  ];
}
