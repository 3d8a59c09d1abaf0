/** V3, web frontend security: what the pages and cookies of Store and Forum owe a browser. */
import type { Chapter } from "./document.ts";
import { inWriting, notThere, note, operators, row } from "./row.ts";

export const v3: Chapter = {
  title: "V3 Web frontend security",
  rows: [
    row(
      "3.1.1",
      3,
      "which browser features are needed, and what happens without them, is written down",
      inWriting(
        "ARCHITECTURE.md, D4 and D10: https and __Host- cookies, or plain http on loopback without them; Sec-Fetch-Site, or else Origin. No script is needed.",
      ),
    ),
    row("3.2.1", 1, "an answer is not rendered as something it is not"),
    row("3.2.2", 1, "text is shown as text", note("There is no script; the server's templates escape.")),
    row(
      "3.2.3",
      3,
      "markup can't pose as a script's variables",
      note("There is no script that could be fooled."),
    ),
    row("3.3.1", 1, "cookies are Secure, with __Host- or __Secure- in front"),
    row("3.3.2", 2, "every cookie says SameSite"),
    row("3.3.3", 2, "cookies of one host have __Host-"),
    row("3.3.4", 2, "cookies of sessions are HttpOnly and shown nowhere else"),
    row("3.3.5", 3, "a cookie is at most 4,096 bytes"),
    row("3.4.1", 1, "HSTS for a year on every answer"),
    row("3.4.2", 1, "CORS names no origin it does not know", note("No Access-Control header is ever sent.")),
    row("3.4.3", 2, "a content security policy on every answer"),
    row("3.4.4", 2, "nosniff on every answer"),
    row("3.4.5", 2, "a referrer policy"),
    row("3.4.6", 2, "frame-ancestors on every answer"),
    row(
      "3.4.7",
      3,
      "violations of the policy are reported somewhere",
      notThere("no report-to: the policy allows no script at all, and nobody collects reports."),
    ),
    row("3.4.8", 3, "documents are opened apart from those of other origins"),
    row("3.5.1", 1, "a sensitive request comes from the application's own page"),
    row("3.5.2", 1, "what relies on a preflight can't be sent without one"),
    row(
      "3.5.3",
      1,
      "what changes something is not a GET",
      note("A GET extends the session and may renew it, and does nothing else."),
    ),
    row("3.5.4", 2, "applications have host names of their own"),
    row(
      "3.5.5",
      2,
      "postMessage looks where a message comes from",
      note("There is no script that could receive one."),
    ),
    row("3.5.6", 3, "no JSONP"),
    row("3.5.7", 3, "no script holds what only some may see"),
    row("3.5.8", 3, "another site can't load what needs a user"),
    row("3.6.1", 3, "what is loaded from elsewhere is pinned", note("Nothing is loaded from elsewhere.")),
    row("3.7.1", 2, "no client technology that is no longer maintained"),
    row("3.7.2", 2, "redirects lead to known hosts only"),
    row(
      "3.7.3",
      3,
      "leaving for another site is announced",
      note("No page has a link to another site; what members write stays text."),
    ),
    row(
      "3.7.4",
      3,
      "the domain is on the HSTS preload list",
      operators(
        "the list takes domains, and these applications have none of their own. The header names includeSubDomains, not preload.",
      ),
    ),
    row("3.7.5", 3, "an old browser gets what was promised for it"),
  ],
};
