/** V7, session management: what this project is about. */
import type { Chapter } from "./document.ts";
import { inWriting, note, row } from "./row.ts";

export const v7: Chapter = {
  title: "V7 Session management",
  rows: [
    row("7.1.1", 2, "the limits are written down", note("In writing in ARCHITECTURE.md, The clocks.")),
    row(
      "7.1.2",
      2,
      "how many sessions one user may have is written down",
      inWriting(
        "here: as many as the user signs in on. None replaces another but that of the same browser; the account page lists them (the 100 last used) and ends them.",
      ),
    ),
    row(
      "7.1.3",
      2,
      "how long sessions live beyond those of the provider is written down",
      inWriting(
        "ARCHITECTURE.md, The clocks, and SECURITY.md: until the next renewal or revalidation at most.",
      ),
    ),
    row("7.2.1", 1, "sessions are verified by the server"),
    row("7.2.2", 1, "sessions have tokens made for them, no fixed keys"),
    row("7.2.3", 1, "ids have at least 128 bits from a secure generator"),
    row("7.2.4", 1, "signing in makes a new session and ends the old one"),
    row("7.3.1", 2, "an idle limit"),
    row("7.3.2", 2, "an absolute limit"),
    row("7.4.1", 1, "after signing out, or past a limit, nothing works any more"),
    row("7.4.2", 1, "a user who is locked or deleted is out"),
    row("7.4.3", 2, "a change of password ends the other sessions"),
    row("7.4.4", 2, "signing out is offered on every page"),
    row("7.4.5", 2, "administrators can end sessions, of one user or of all"),
    row(
      "7.5.1",
      2,
      "the password is asked for again before what would take the account over",
      note(
        "The password is the one such thing here: addresses and second factors can't be changed on the pages.",
      ),
    ),
    row("7.5.2", 2, "users see their sessions and end them"),
    row(
      "7.5.3",
      3,
      "what is highly sensitive takes one more proof",
      note("The proof is the password again: there is no second factor (6.3.3)."),
    ),
    row("7.6.1", 2, "sessions end with the provider's, as written"),
    row("7.6.2", 2, "no session begins without the user doing something"),
  ],
};
