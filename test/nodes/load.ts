// Twenty honest people who use the Store all the time: they sign in, look at pages (at times in two tabs at once), put things into their
// carts, are renewed on the way, sign out and in again. They keep what came of it; what they believe of themselves is compared with
// what the Store says.
import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "../applications/browser.ts";
import type { Person, Site } from "./site.ts";
import { type Outcome, signIn, type Visitor, visitor } from "./visitor.ts";

/** What the people went through. */
export interface Experience {
  /** Every request, in the order of its answer. */
  readonly outcomes: readonly Outcome[];
  /** Each time somebody was asked to sign in who had not signed out: what that browser went through before. */
  readonly signedOut: readonly string[];
  readonly signIns: number;
  readonly signOuts: number;
}

/** Load that goes on until it is stopped. */
export interface Load {
  /** What has happened so far. */
  soFar(): Experience;
  /** Lets everybody finish what they are doing, and answers what happened. */
  stop(): Promise<Experience>;
}

/** Milliseconds between one thing and the next, on average twice: people do not go faster than a small machine does. */
const pause = [100, 400] as const;

/** At one address the provider hashes some passwords at once, and counts each as a failure until it was right. */
const mostSigningIn = 4;

/** Starts the load; the people sign in one after the other. */
export function startLoad(site: Site, people: readonly Person[]): Load {
  const state: State = { isStopped: false, signingIn: 0, signedOut: [], signIns: 0, signOuts: 0 };
  const visitors = people.map(() => visitor(site));
  const lives = visitors.map((browser, index) => {
    const person = people[index];
    if (person === undefined) throw new Error("Nobody sits at this browser");
    return live(browser, person, state);
  });
  const soFar = (): Experience => ({
    outcomes: visitors
      .flatMap(({ outcomes }) => outcomes)
      .sort((one, other) => one.answered - other.answered),
    signedOut: state.signedOut,
    signIns: state.signIns,
    signOuts: state.signOuts,
  });
  return {
    soFar,
    async stop() {
      state.isStopped = true;
      await Promise.all(lives);
      for (const each of visitors) each.close();
      return soFar();
    },
  };
}

interface State {
  isStopped: boolean;
  signingIn: number;
  signedOut: string[];
  signIns: number;
  signOuts: number;
}

async function live(browser: Visitor, person: Person, state: State): Promise<void> {
  while (!state.isStopped) {
    if (await comeIn(browser, person, state)) await stay(browser, state);
    if (!state.isStopped) await goOut(browser, state);
  }
}

/** Uses the Store for a while. */
async function stay(browser: Visitor, state: State): Promise<void> {
  for (let things = randomInt(15, 40); things > 0 && !state.isStopped; things--) {
    await delay(randomInt(...pause));
    if (await useStore(browser)) continue;
    state.signedOut.push(lately(browser));
    return;
  }
}

function lately({ outcomes }: Visitor): string {
  const told = outcomes.slice(-8).map(({ method, path, status, sent, answered }) => {
    return `${method} ${path} ${status} (${Math.round(sent)}–${Math.round(answered)})`;
  });
  return told.join(", ");
}

async function comeIn(browser: Visitor, person: Person, state: State): Promise<boolean> {
  while (state.signingIn >= mostSigningIn && !state.isStopped) await delay(randomInt(...pause));
  state.signingIn += 1;
  const answer = await signIn(browser, person);
  state.signingIn -= 1;
  if (answer?.status === 302) state.signIns += 1;
  else await delay(randomInt(...pause));
  return answer?.status === 302;
}

/** Does one thing; `false` where the Store takes the person for a stranger. What fails is tried again later, as people do. */
async function useStore(browser: Visitor): Promise<boolean> {
  const what = randomInt(10);
  if (what < 6) return isKnown(await browser.send("GET", "/shopping-cart"));
  if (what < 8) {
    const tabs = await Promise.all([browser.send("GET", "/account"), browser.send("GET", "/shopping-cart")]);
    return tabs.every(isKnown);
  }
  const home = await browser.send("GET", "/");
  if (home?.status !== 200) return true;
  // A page for everybody, which is served without a session while store or provider are away: that is no sign-out.
  if (!home.html.includes('action="/logout"')) return isKnown(await browser.send("GET", "/shopping-cart"));
  return isKnown(await browser.submit(home, "/shopping-cart/items"));
}

function isKnown(page: Page | null): boolean {
  return !(page?.location ?? "").startsWith("/login") && page?.location !== "/cart" && page?.status !== 403;
}

async function goOut(browser: Visitor, state: State): Promise<void> {
  const page = await browser.send("GET", "/shopping-cart");
  if (page?.status !== 200) return;
  const left = await browser.submit(page, "/logout");
  if (left?.status === 302) state.signOuts += 1;
}

/** Whether a request failed: no answer, or one that says that something is broken. */
export function hasFailed({ status }: Outcome): boolean {
  return status === null || status >= 500 || status === 429;
}
