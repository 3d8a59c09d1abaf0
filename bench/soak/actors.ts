// Who sends requests: honest browsers, victims of a theft with their thieves, guessers and strangers. An actor takes one step at a time.
import { Client } from "../../lab/client.ts";
import { signIn, thiefOf } from "../../lab/people.ts";
import { Browser, type BrowserOptions } from "./browser.ts";
import type { Outcomes } from "./outcomes.ts";
import { inWords, isSentToSignIn, type Site } from "./site.ts";

/** Somebody who does one thing after the other; a step rejects where the server can't be reached. */
export type Actor = () => Promise<void>;

/** An honest browser that signs in, looks at pages, sends forms, and signs out some time. */
export function honest(options: BrowserOptions): Actor {
  const browser = new Browser(options);
  const isShop = options.site.name === "store";
  return () => {
    if (browser.since === null) return browser.signIn();
    const chance = Math.random();
    if (chance < 0.02) return browser.signOut();
    if (chance < 0.05) return browser.visitTwice();
    if (chance < 0.09) return browser.visit("/account");
    if (chance < 0.14 && isShop) return browser.changeCart();
    return browser.visit();
  };
}

/** Milliseconds after signing in at which a victim's cookies are copied, and after which the copy is used. */
const stolenAfter = 12_000;
const usedAfter = 40_000;

/**
 * A browser whose cookies are copied. It goes on, and is renewed, for longer than a replaced pair may still arrive from an honest browser
 * (30 s); then the thief comes with the copy: he must be refused, and what he came with is over for both.
 */
export function victim(options: BrowserOptions): Actor {
  const { site, outcomes } = options;
  const owner = new Browser(options);
  let stolen: { readonly thief: Client; readonly at: number; readonly renewals: number } | null = null;
  const replay = async (thief: Client) => {
    stolen = null;
    await isRefused(thief, site, outcomes, "a thief with a replaced pair");
    await owner.findsItselfSignedOut();
    await isRefused(thief, site, outcomes, "a thief who came again");
    outcomes.done("theft found");
  };
  return async () => {
    if (owner.since === null) {
      stolen = null;
      return owner.signIn();
    }
    const now = Date.now();
    if (stolen === null && now - owner.since.latest > stolenAfter) {
      const thief = thiefOf(owner.client, ["session", "refresh-token"]);
      stolen = { thief, at: now, renewals: owner.renewals };
    }
    const isReplaced =
      stolen !== null && now - stolen.at > usedAfter && owner.renewals >= stolen.renewals + 2;
    if (stolen !== null && isReplaced) return replay(stolen.thief);
    await owner.visit();
  };
}

async function isRefused(thief: Client, { home }: Site, outcomes: Outcomes, who: string): Promise<void> {
  const answer = await thief.get(home);
  if (!isSentToSignIn(answer)) outcomes.mustNotBe(`${who} was answered ${inWords(answer)}`);
  outcomes.done("thief refused");
}

/** Somebody who tries a wrong password for a login id, from an address of his own. */
export function guesser(site: Site, email: string, address: string, outcomes: Outcomes): Actor {
  return async () => {
    const client = new Client(site.origin, { address });
    const { status } = await signIn(client, email, "password1");
    if (status === 429) outcomes.done("guess throttled");
    else if (status === 401) outcomes.done("wrong password refused");
    else outcomes.mustNotBe(`a guess was answered ${status}`);
    const answer = await client.get(site.home);
    if (!isSentToSignIn(answer)) outcomes.mustNotBe(`a guesser was answered ${inWords(answer)}`);
  };
}

/** Somebody without cookies: the front page is open, the others are not. */
export function stranger(site: Site, address: string, outcomes: Outcomes): Actor {
  return async () => {
    const client = new Client(site.origin, { address });
    const open = await client.get("/");
    if (open.status !== 200 || open.text.includes("Signed in as"))
      outcomes.mustNotBe(`a stranger was answered ${inWords(open)}`);
    outcomes.done("anonymous page");
    if (Math.random() > 0.1) return;
    const closed = await client.get(site.home);
    if (!isSentToSignIn(closed))
      outcomes.mustNotBe(`a stranger at ${site.home} was answered ${inWords(closed)}`);
    outcomes.done("stranger refused");
  };
}
