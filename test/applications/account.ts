/** What a test of account pages has at hand: one person in two browsers, and what a page shows. It judges nothing. */
import { afterEach, expect } from "vitest";
import { type Browser, hiddenField, type Page } from "./browser.ts";
import type { Company, Person } from "./company.ts";

/** An application that is listening. */
export interface Application {
  readonly company: Company;
  readonly errors: unknown[];
  visitor(userAgent?: string): Browser;
}

/** How people come to an application. */
export interface Visits {
  visitor(userAgent?: string): Browser;
  /** A browser, Firefox on Linux unless it says otherwise, that has signed in through the form. */
  signedIn(person: Person, userAgent?: string, filled?: Record<string, string>): Promise<Browser>;
  /** Two browsers of one person, of whom no other test knows. */
  twice(): Promise<{ person: Person; here: Browser; there: Browser }>;
  canSignIn(email: string, password: string): Promise<boolean>;
}

/** In milliseconds. */
export const minutes = 60_000;

/** What a browser says of itself, which the library calls "Firefox on Linux". */
export const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const iphone =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

/** Visits to an application; after each test its provider is reachable, and nothing has gone wrong that nobody expected. */
export function visits(application: Application): Visits {
  const { visitor } = application;

  afterEach(() => {
    application.company.isReachable = true;
    // All tests come from one address: what they guessed wrongly is forgotten before the next.
    application.company.clock.ahead += 60 * minutes;
    expect(application.errors.splice(0)).toEqual([]);
  });

  const signedIn: Visits["signedIn"] = async ({ email, password }, userAgent = firefox, filled = {}) => {
    const browser = visitor(userAgent);
    expect((await browser.signIn(email, password, filled)).status).toBe(302);
    return browser;
  };
  return {
    visitor,
    signedIn,
    async twice() {
      const person = await application.company.newcomer();
      return { person, here: await signedIn(person), there: await signedIn(person, iphone) };
    },
    canSignIn: async (email, password) => (await visitor().signIn(email, password)).status === 302,
  };
}

/** The devices on an account page, in its order. */
export function shown({ html }: Page): { name: string; isThis: boolean }[] {
  return [...html.matchAll(/<h3>([^<]+?)( <strong class="this">[^<]+<\/strong>)?<\/h3>/g)].map(
    ([, name = "", mark]) => ({ name, isThis: mark !== undefined }),
  );
}

/** What a browser that is signed in may post without a form of its own. */
export async function formTokenOf(browser: Browser): Promise<string> {
  return hiddenField(await browser.get("/account"), "/logout", "form-token") ?? "";
}

/** Asserts an answer that says how long to wait. */
export function expectToWait(answer: Page): void {
  expect(answer.status).toBe(429);
  const wait = Number(answer.headers.get("retry-after"));
  expect(wait).toBeGreaterThanOrEqual(1);
  expect(answer.html).toMatch(/Too many attempts\. Try again in \d+ (second|minute)s?\./);
}
