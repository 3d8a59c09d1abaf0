/** V9, self-contained tokens; V10, OAuth as far as a login API and the refresh grant touch it; V11, cryptography. */
import type { Chapter } from "./document.ts";
import { doesNotApply, inWriting, notThere, note, row } from "./row.ts";

export const v9: Chapter = {
  title: "V9 Self-contained tokens",
  rows: [
    row("9.1.1", 1, "a token's signature is checked before it is believed"),
    row("9.1.2", 1, "algorithms come from a list, and none is not on it"),
    row("9.1.3", 1, "keys come from where they are configured, never from the token"),
    row("9.2.1", 1, "a token is believed within its time"),
    row("9.2.2", 2, "a token is believed for the purpose it was made for"),
    row("9.2.3", 2, "a token is believed by its audience"),
    row("9.2.4", 2, "one issuer's tokens name different audiences differently"),
  ],
};

const noCodeFlow = doesNotApply(
  "there is no authorization endpoint, no redirect and no code: applications sign users in by the login API.",
);
const noConsent = doesNotApply("no third party's client: nobody is asked for consent.");

export const v10: Chapter = {
  title: "V10 OAuth and OIDC",
  rows: [
    row(
      "10.1.1",
      2,
      "tokens are only where they are needed",
      note(
        "Bent, in writing (SECURITY.md): the refresh token is in a cookie, sealed, and useless at the provider without the client's secret.",
      ),
    ),
    row("10.1.2", 2, "answers count in the browser that asked"),
    row("10.2.1", 2, "the code flow is protected from forgery", noCodeFlow),
    row("10.2.2", 2, "providers can't be mixed up", noCodeFlow),
    row("10.2.3", 3, "no more scopes are asked for than needed"),
    row("10.3.1", 2, "whoever takes an access token looks at its audience"),
    row(
      "10.3.2",
      2,
      "what a token allows stands in its claims",
      doesNotApply(
        "the applications take no access tokens from anybody; the provider's own calls go by whose token it is.",
      ),
    ),
    row("10.3.3", 2, "a user is issuer and sub, never an address"),
    row(
      "10.3.4",
      2,
      "strength and recency are read from the token where they matter",
      doesNotApply(
        "no resource is given for a token; the applications' step-up goes by the sign-in's own record (6.8.4).",
      ),
    ),
    row(
      "10.3.5",
      3,
      "access tokens are bound to their sender",
      notThere(
        "no DPoP and no mTLS: access tokens stay between application and provider, over TLS, for minutes.",
      ),
    ),
    row("10.4.1", 1, "redirects go to registered addresses", noCodeFlow),
    row("10.4.2", 1, "a code is good once", noCodeFlow),
    row("10.4.3", 1, "a code is short-lived", noCodeFlow),
    row(
      "10.4.4",
      1,
      "a client has the grants it needs, and neither password nor implicit",
      note(
        "Bent in spirit, in writing (SECURITY.md): the application sees the password, because a native form is the point.",
      ),
    ),
    row("10.4.5", 1, "a refresh token that is used twice ends its family"),
    row("10.4.6", 2, "code flows need PKCE", noCodeFlow),
    row(
      "10.4.7",
      2,
      "clients that register themselves are looked at",
      doesNotApply("no dynamic registration: an operator registers applications."),
    ),
    row("10.4.8", 2, "refresh tokens have an absolute end"),
    row("10.4.9", 2, "users can revoke refresh tokens"),
    row("10.4.10", 2, "confidential clients prove who they are"),
    row(
      "10.4.11",
      2,
      "clients get the scopes they need",
      note("Scopes are those the application named at sign-in; they allow nothing by themselves."),
    ),
    row("10.4.12", 3, "a client uses the response mode it needs", noCodeFlow),
    row("10.4.13", 3, "code flows push their parameters", noCodeFlow),
    row("10.4.14", 3, "access tokens are bound to their sender", notThere("see 10.3.5.")),
    row("10.4.15", 3, "parameters of a request can't be tampered with", noCodeFlow),
    row(
      "10.4.16",
      3,
      "clients prove themselves with keys",
      notThere("client secrets only; no private_key_jwt, no mTLS."),
    ),
    row(
      "10.5.1",
      2,
      "ID tokens can't be replayed",
      doesNotApply("no ID tokens: nothing but access tokens is issued."),
    ),
    row("10.5.2", 2, "a user is the sub"),
    row("10.5.3", 2, "the issuer is the configured one, exactly"),
    row("10.5.4", 2, "the audience is the client"),
    row(
      "10.5.5",
      2,
      "back-channel logout is verified",
      doesNotApply(
        "OIDC's back-channel logout is not there; FusionAuth's signed webhooks do its work (9.1.1, 9.2.2).",
      ),
    ),
    row("10.6.1", 2, "the provider answers with the modes it should", noCodeFlow),
    row("10.6.2", 2, "nobody can be signed out by another"),
    row("10.7.1", 2, "consent is asked for", noConsent),
    row("10.7.2", 2, "consent says what for", noConsent),
    row("10.7.3", 2, "consent can be looked at and taken back", noConsent),
  ],
};

export const v11: Chapter = {
  title: "V11 Cryptography",
  rows: [
    row(
      "11.1.1",
      2,
      "how keys live is written down",
      inWriting("SECURITY.md, Keys: where each is, what for, and how it is rolled."),
    ),
    row(
      "11.1.2",
      2,
      "there is an inventory of cryptography",
      inWriting("SECURITY.md, Keys, and ARCHITECTURE.md, D3, D6, D12 and D13."),
    ),
    row("11.2.1", 2, "cryptography is others', and tested"),
    row("11.2.2", 2, "keys, parameters and algorithms can be exchanged"),
    row("11.2.3", 2, "at least 128 bits of security"),
    row("11.2.4", 3, "secrets are compared in constant time"),
    row("11.2.5", 3, "what fails, fails closed"),
    row("11.3.1", 1, "no weak block modes or paddings"),
    row("11.3.2", 1, "approved ciphers and modes"),
    row("11.3.3", 2, "what is encrypted is authenticated"),
    row("11.3.4", 3, "no nonce is used twice"),
    row(
      "11.4.1",
      1,
      "approved hashes",
      note("MD5 only to check passwords that were imported so; the first sign-in replaces them."),
    ),
    row("11.4.2", 2, "passwords are hashed by a slow function with current parameters"),
    row("11.4.3", 2, "hashes are long enough"),
    row(
      "11.4.4",
      2,
      "keys made from passwords are stretched",
      note("None is made from a password: keys of fewer than 32 bytes are refused."),
    ),
    row("11.5.1", 2, "what must not be guessed has 128 bits of randomness; UUIDs don't count"),
    row(
      "11.6.1",
      2,
      "approved algorithms for signing and key generation",
      note("RS256 is there for compatibility, by an explicit switch only."),
    ),
  ],
};
