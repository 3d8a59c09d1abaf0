/** V6, authentication: passwords, guessing, and what is not there yet. */
import type { Chapter } from "./document.ts";
import { doesNotApply, inWriting, notThere, note, row } from "./row.ts";

const noCodes = doesNotApply("there are no look-up secrets, one-time codes or authenticator applications.");
const noOutOfBand = doesNotApply("nothing authenticates out of band: no SMS, no push, no code by mail.");

export const v6: Chapter = {
  title: "V6 Authentication",
  rows: [
    row(
      "6.1.1",
      1,
      "the limits on guessing are written down, and how nobody is locked out by them",
      note("In writing in packages/idp/src/throttle.ts, beside the numbers themselves."),
    ),
    row(
      "6.1.2",
      2,
      "the list of words that passwords must not lean on is written down",
      inWriting(
        "packages/idp/src/password-rules.ts: the user's own e-mail address, its local part, and username. Names of applications are not on it.",
      ),
    ),
    row("6.1.3", 2, "all ways to sign in are known, and as strong as each other"),
    row(
      "6.2.1",
      1,
      "passwords have at least 8 characters, better 15",
      note("8 by default, as FusionAuth's; a tenant's minLength may say 15, and can't say less than 8."),
    ),
    row("6.2.2", 1, "a user can change the password"),
    row("6.2.3", 1, "changing it takes the current one"),
    row("6.2.4", 1, "the most used passwords are refused"),
    row("6.2.5", 1, "no rules about kinds of characters"),
    row("6.2.6", 1, "password fields are password fields"),
    row("6.2.7", 1, "pasting and password managers work"),
    row(
      "6.2.8",
      1,
      "a password is checked as it was typed",
      note("After Unicode's NFC, as NIST SP 800-63B-4 asks."),
    ),
    row("6.2.9", 2, "64 characters are possible"),
    row("6.2.10", 2, "no password runs out by itself"),
    row("6.2.11", 2, "words of the context are refused"),
    row(
      "6.2.12",
      2,
      "passwords from breaches are refused",
      notThere("the list is the 3,000 most used ones; there is no look-up in a corpus of breaches."),
    ),
    row("6.3.1", 1, "guessing and stuffing are slowed down as written"),
    row("6.3.2", 1, "no accounts that are there from the start"),
    row(
      "6.3.3",
      2,
      "more than one factor",
      notThere("there is no second factor; passwords are the only one."),
    ),
    row("6.3.4", 2, "no way around the documented ways; all ask the same"),
    row("6.3.5", 3, "the user is told of suspicious sign-ins"),
    row(
      "6.3.6",
      3,
      "mail is no factor",
      doesNotApply("no mail signs anybody in: messages hold no link and no code."),
    ),
    row("6.3.7", 3, "the user is told when credentials change"),
    row(
      "6.3.8",
      3,
      "nobody learns who has an account, by answer or by time",
      note("The time is measured by `npm run timing`, which is no part of the tests."),
    ),
    row(
      "6.4.1",
      1,
      "passwords the system makes are random, short-lived, and changed",
      doesNotApply("it makes none: a user's first password is what the operator's API call brings."),
    ),
    row(
      "6.4.2",
      1,
      "no hints, no secret questions",
      doesNotApply("the API and the store know no such field."),
    ),
    row(
      "6.4.3",
      2,
      "resetting is as safe as signing in",
      notThere("there is no flow for a forgotten password; an operator sets a new one by the API."),
    ),
    row(
      "6.4.4",
      2,
      "a lost factor is replaced with as much proof as it took to get",
      notThere("there is no second factor, and no proofing of identity for a lost password."),
    ),
    row(
      "6.4.5",
      3,
      "the user is told before a factor runs out",
      doesNotApply("passwords do not run out, and there is no other factor."),
    ),
    row(
      "6.4.6",
      3,
      "administrators start a reset, and never choose the password",
      notThere(
        "FusionAuth's API lets whoever holds an API key set a user's password, and so does ours; all of the user's sign-ins end.",
      ),
    ),
    row("6.5.1", 2, "codes are good once", noCodes),
    row("6.5.2", 2, "look-up secrets are stored hashed", noCodes),
    row("6.5.3", 2, "codes come from a secure generator", noCodes),
    row("6.5.4", 2, "codes have at least 20 bits", noCodes),
    row("6.5.5", 2, "codes run out in minutes", noCodes),
    row("6.5.6", 3, "factors can be revoked", noCodes),
    row("6.5.7", 3, "biometrics are a second factor only", doesNotApply("no biometrics.")),
    row("6.5.8", 3, "time for codes is the server's", noCodes),
    row("6.6.1", 2, "SMS only with care", noOutOfBand),
    row("6.6.2", 2, "an out-of-band code belongs to one attempt", noOutOfBand),
    row("6.6.3", 2, "out-of-band codes can't be guessed", noOutOfBand),
    row("6.6.4", 3, "pushes are limited", noOutOfBand),
    row(
      "6.7.1",
      3,
      "certificates for verifying are protected",
      doesNotApply("no certificates authenticate users."),
    ),
    row("6.7.2", 3, "challenges are new and long", doesNotApply("no challenges: nothing signs one.")),
    row(
      "6.8.1",
      2,
      "a user is one of one issuer",
      doesNotApply(
        "an application has one provider; its issuer is configured or discovered at its address, and fixed (10.5.3).",
      ),
    ),
    row("6.8.2", 2, "assertions without the right signature are refused"),
    row("6.8.3", 2, "SAML assertions are used once", doesNotApply("no SAML.")),
    row("6.8.4", 2, "where recency matters, it is checked"),
  ],
};
