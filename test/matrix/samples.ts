/**
 * What each unsafe route of Store and Forum gets when it is used as meant: the matrix takes one thing away at a time, and
 * nothing may happen. A route that is missing here fails the matrix.
 */
import type { Browser } from "../../packages/session/test/browser.ts";
import { ada } from "../applications/company.ts";
import type { TargetName } from "./targets.ts";

/** A request as the application's own page would send it. */
export interface Sample {
  /** "{…}" stands for something of the user's own, which `prepared` made. */
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Whether a visitor who is not signed in may send it. */
  readonly forGuests?: boolean;
}

const cartItem = { product: "ledger-a5", quantity: "2" };

/** By route, as its framework names it. */
export const samples: Readonly<Record<string, Sample>> = {
  "POST /login": { path: "/login", fields: { email: ada.email, password: ada.password }, forGuests: true },
  "POST /logout": { path: "/logout", fields: {} },

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

/** The sample of a route, for this user; throws where there is none. */
export function sampleOf(route: string, own: Own): Sample {
  const sample = samples[route];
  if (sample === undefined) throw new Error(`test/matrix/samples.ts does not say how ${route} is used.`);
  return { ...sample, path: sample.path.replace(/\{(.*)\}/, (_, name: string) => own[name] ?? "") };
}

/** What a user has that routes can be aimed at, by the name in "{…}". */
export type Own = Readonly<Record<string, string>>;

/** Gives a visitor something to lose: a product in the cart, a post in a thread. Leaves a form token in the browser. */
export async function prepared(name: TargetName, browser: Browser): Promise<Own> {
  if (name === "Store") {
    await browser.get("/");
    await browser.post("/shopping-cart/items", cartItem);
    await browser.get("/");
    return {};
  }
  await browser.get("/new-thread");
  const { headers } = await browser.post("/new-thread", { title: "My own", text: "A post of mine" });
  await browser.get("/new-thread");
  return { post: /#post-(\d+)$/.exec(String(headers["location"]))?.[1] ?? "" };
}

/** The unsafe ones of an application's routes (RFC 9110 §9.2.1). */
export function unsafeRoutes(routes: readonly string[]): string[] {
  return routes.filter((route) => !/^(GET|HEAD|OPTIONS) /.test(route));
}
