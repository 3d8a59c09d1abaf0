// An honest browser of one person at one site. It knows how long its sign-in may last, and says so whenever it is signed out earlier, or
// served later.
import { type Answer, Client } from "../../lab/client.ts";
import { signIn, thiefOf } from "../../lab/people.ts";
import type { Outcomes } from "./outcomes.ts";
import { inWords, isFor, isSentToSignIn, leadsHome, type Person, type Site } from "./site.ts";

/** Milliseconds by which the browser's idea of when it signed in and the server's may differ. */
const slack = 2_000;

const mistyped = 0.1;

/** Whose browser it is, where, and how long a sign-in lasts, in milliseconds. */
export interface BrowserOptions {
  readonly site: Site;
  readonly person: Person;
  /** Of 127.0.0.0/8. */
  readonly address: string;
  readonly signInAbsolute: number;
  readonly outcomes: Outcomes;
}

/** A browser. */
export class Browser {
  readonly client: Client;
  /** How often it was given new cookies without signing in. */
  renewals = 0;
  /** When it signed in: not before the first, not after the second; `null` while it is signed out. */
  since: { readonly earliest: number; readonly latest: number } | null = null;
  readonly #options: BrowserOptions;

  constructor(options: BrowserOptions) {
    this.client = new Client(options.site.origin, { address: options.address });
    this.#options = options;
  }

  /** Signs in by the form, now and then after a wrong password. */
  async signIn(): Promise<void> {
    const { person, site, outcomes } = this.#options;
    if (Math.random() < mistyped) {
      const { status } = await signIn(this.client, person.email, "not the password");
      if (status !== 401) outcomes.mustNotBe(`a mistyped password was answered ${status}`);
      outcomes.done("mistyped password");
    }
    const earliest = Date.now();
    const answer = await signIn(this.client, person.email, person.password, {
      ...(Math.random() < 0.5 && { remember: "yes" }),
    });
    if (!leadsHome(site, answer))
      return outcomes.mustNotBe(`an honest sign-in was answered ${inWords(answer)}`);
    this.since = { earliest, latest: Date.now() };
    this.renewals = 0;
    outcomes.done("sign-in");
  }

  /** Asks for a page that only its person may see, and judges the answer. */
  async visit(path: string = this.#options.site.home): Promise<void> {
    const asked = Date.now();
    this.#judged(asked, [await this.client.get(path)]);
  }

  /** Two tabs that ask at once. */
  async visitTwice(): Promise<void> {
    const { home } = this.#options.site;
    const asked = Date.now();
    this.#judged(asked, await Promise.all([this.client.get(home), this.client.get("/account")]));
  }

  /** Puts something into the cart, or takes it out again. */
  async changeCart(): Promise<void> {
    const { site, outcomes } = this.#options;
    const product = "felt-desk-mat";
    const asked = Date.now();
    const cart = await this.client.get(site.home);
    if (!this.#judged(asked, [cart])) return;
    const remove = `${site.home}/items/${product}/remove`;
    const answer = cart.text.includes(remove)
      ? await this.client.submit(cart, remove)
      : await this.client.submit(await this.client.get("/"), `${site.home}/items`, { product });
    outcomes.done("form");
    // Of two browsers of one person the other may have taken it out; and the sign-in may reach its limit between page and form.
    const isDone = answer.status === 303 || answer.status === 404 || this.#mayBeOver();
    if (!isDone) outcomes.mustNotBe(`an honest form was answered ${inWords(answer)}`);
  }

  /** Signs out by the button; copies of its cookies must open nothing from then on. */
  async signOut(): Promise<void> {
    const { site, outcomes } = this.#options;
    const asked = Date.now();
    const page = await this.client.get(site.home);
    if (!this.#judged(asked, [page])) return;
    const thief = thiefOf(this.client, ["session", "refresh-token"]);
    const answer = await this.client.submit(page, "/logout");
    if (answer.status !== 302) outcomes.mustNotBe(`signing out was answered ${inWords(answer)}`);
    this.since = null;
    outcomes.done("sign-out");
    const kept = await thief.get(site.home);
    if (!isSentToSignIn(kept))
      outcomes.mustNotBe(`a copy from before the sign-out was answered ${inWords(kept)}`);
    outcomes.done("cookies after sign-out refused");
  }

  /** Its sign-in was ended by somebody's theft: its next request must be sent to sign in. */
  async findsItselfSignedOut(): Promise<void> {
    const { site, outcomes } = this.#options;
    const answer = await this.client.get(site.home);
    if (!isSentToSignIn(answer))
      outcomes.mustNotBe(`after a theft the owner was answered ${inWords(answer)}`);
    this.since = null;
  }

  /** Whether the sign-in may have reached its absolute limit. */
  #mayBeOver(): boolean {
    const { signInAbsolute } = this.#options;
    return this.since === null || Date.now() >= this.since.earliest + signInAbsolute - slack;
  }

  /** Whether it is still signed in; what must not be is said. */
  #judged(asked: number, answers: readonly Answer[]): boolean {
    const { site, person, signInAbsolute, outcomes } = this.#options;
    if (this.since === null) return false;
    for (const answer of answers) {
      outcomes.done("signed-in page");
      if (isFor(person, answer)) {
        if (asked > this.since.latest + signInAbsolute + slack)
          outcomes.mustNotBe(`${site.name} served somebody whose sign-in was past its limit`);
        this.#countRenewal(answer);
        continue;
      }
      if (!isSentToSignIn(answer) || !this.#mayBeOver())
        outcomes.mustNotBe(`${site.name} answered an honest browser ${inWords(answer)}`);
      else outcomes.done("sign-in reached its limit");
      this.since = null;
      return false;
    }
    return true;
  }

  #countRenewal({ setCookies }: Answer): void {
    if (!setCookies.some((cookie) => cookie.startsWith("refresh-token="))) return;
    this.renewals += 1;
    this.#options.outcomes.done("renewal");
  }
}
