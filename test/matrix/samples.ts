/**
 * What each unsafe route of Store and Forum gets when it is used as meant: the matrix takes one thing away at a time, and
 * nothing may happen. A route that is missing here fails the matrix.
 */
import type { Browser } from "../../packages/session/test/browser.ts";
import type { Person } from "../applications/company.ts";
import type { Target } from "./targets.ts";

/** A request as the application's own page would send it. */
export interface Sample {
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Whether a visitor who is not signed in may send it. */
  readonly forGuests?: boolean;
}

const cartItem = { product: "ledger-a5", quantity: "2" };
const signIn = { email: "{email}", password: "{password}" };
const passwordChange = {
  "current-password": "{password}",
  "new-password": "another phrase of nobody's",
  "new-password-again": "another phrase of nobody's",
};

/** By route, as its framework names it. "{…}" stands for something of the user's own, which `victimOf` found. */
export const samples: Readonly<Record<string, Sample>> = {
  "POST /login": { path: "/login", fields: signIn, forGuests: true },
  "POST /logout": { path: "/logout", fields: {} },
  "POST /account/devices/end": { path: "/account/devices/end", fields: { device: "{device}" } },
  "POST /account/devices/end-others": { path: "/account/devices/end-others", fields: {} },
  "POST /account/devices/end-all": { path: "/account/devices/end-all", fields: {} },
  "POST /account/password": { path: "/account/password", fields: passwordChange },

  "POST /shopping-cart/items": { path: "/shopping-cart/items", fields: cartItem, forGuests: true },
  "POST /shopping-cart/items/:product": {
    path: "/shopping-cart/items/ledger-a5",
    fields: { quantity: "3" },
    forGuests: true,
  },
  "POST /shopping-cart/items/:product/remove": {
    path: "/shopping-cart/items/ledger-a5/remove",
    fields: {},
    forGuests: true,
  },

  "POST /new-thread": { path: "/new-thread", fields: { title: "Forged", text: "Forged" } },
  "POST /posts": { path: "/posts", fields: { thread: "1", text: "Forged" } },
  "POST /posts/:id/delete": { path: "/posts/{post}/delete", fields: {} },
};

/** What a user has that requests can be aimed at, by the name in "{…}". */
export type Own = Readonly<Record<string, string>>;

/** The sample of a route, for this user; throws where there is none. */
export function sampleOf(route: string, own: Own): Sample {
  const sample = samples[route];
  if (sample === undefined) throw new Error(`test/matrix/samples.ts does not say how ${route} is used.`);
  const filledIn = (text: string) => text.replace(/\{(.*)\}/, (_, name: string) => own[name] ?? "");
  const fields = Object.entries(sample.fields).map(([name, value]) => [name, filledIn(value)]);
  return { ...sample, path: filledIn(sample.path), fields: Object.fromEntries(fields) };
}

/** The unsafe ones of an application's routes (RFC 9110 §9.2.1). */
export function unsafeRoutes(routes: readonly string[]): string[] {
  return routes.filter((route) => !/^(GET|HEAD|OPTIONS) /.test(route));
}

/** A signed-in user with something to lose: another device, and a product in the cart or a post in a thread. */
export async function victimOf(target: Target): Promise<{ victim: Browser; own: Own; person: Person }> {
  const person = await target.company.newcomer();
  await target.signedIn(person);
  const victim = await target.signedIn(person);
  const { body } = await victim.get("/account");
  const device = /name="device" value="([^"]+)"/.exec(body)?.[1] ?? "";
  const { email, password } = person;
  const own = { email, password, device, post: await postOf(target, victim) };
  return { victim, person, own };
}

/** Somebody who has not signed in, and has put something into the cart where there is one. */
export async function guestOf(target: Target): Promise<{ victim: Browser; own: Own }> {
  const { email, password } = await target.company.newcomer();
  const victim = target.browser();
  await victim.get("/login");
  await postOf(target, victim);
  return { victim, own: { email, password } };
}

/** The id of a post the visitor has written; in the shop, a product in the cart instead. */
async function postOf(target: Target, browser: Browser): Promise<string> {
  if (target.name === "Store") {
    await browser.get("/");
    await browser.post("/shopping-cart/items", cartItem);
    return "";
  }
  const { headers } = await browser.post("/new-thread", { title: "My own", text: "A post of mine" });
  return /#post-(\d+)$/.exec(String(headers["location"]))?.[1] ?? "";
}
