/** What the tests of account pages ask of the test application: its account routes, and what they answer. */
import type { SignedInDevice } from "../src/index.ts";
import type { TestApplication } from "./application.ts";
import type { Browser } from "./browser.ts";
import type { Incoming } from "./http.ts";
import type { Person } from "./provider.ts";

/** The devices the account page shows; throws if it shows none. */
export async function devicesOf(browser: Browser): Promise<SignedInDevice[]> {
  const page = await browser.get("/account");
  const [, list] = /<script type="application\/json">(.*)<\/script>/.exec(page.body) ?? [];
  if (list === undefined) throw new Error(`no devices: ${page.status} ${page.body}`);
  return JSON.parse(list) as SignedInDevice[];
}

/** The sign-in id of the browser that asks. */
export async function ownSignInId(browser: Browser): Promise<string> {
  const own = (await devicesOf(browser)).find(({ isThis }) => isThis);
  if (own === undefined) throw new Error("this browser is not among its user's devices");
  return own.signInId;
}

/** Opens the account page and posts one of its forms. */
export async function post(
  browser: Browser,
  path: string,
  fields: Record<string, string> = {},
): Promise<Incoming> {
  await browser.get("/shopping-cart");
  return browser.post(path, fields);
}

/**
 * A person signed in in several browsers, each a minute after the one before; the first request of each is done; `tokens` are
 * their raw refresh tokens.
 */
export async function signedInOften(
  app: TestApplication,
  count: number,
): Promise<{ person: Person; browsers: Browser[]; tokens: string[] }> {
  const person = await app.provider.person();
  const browsers: Browser[] = [];
  const tokens: string[] = [];
  for (let each = 0; each < count; each++) {
    app.clock.pass(1, "minutes");
    const browser = await app.signedIn({ person });
    tokens.push(app.provider.refreshTokens.at(-1) ?? "");
    await browser.get("/shopping-cart");
    browsers.push(browser);
  }
  return { person, browsers, tokens };
}
