/** The people of the lab, and what they do in the shop: everything through the real pages. */
import { type Answer, Client, type ClientOptions } from "./client.ts";
import type { Target } from "./target.ts";

/** Somebody with an account; `npm start` prints both. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  /** What is in their cart in these runs, and in nobody else's. */
  readonly purchase: string;
}

/** The victim. */
export const ada: Person = {
  id: "20000000-0000-4000-8000-000000000001",
  email: "ada@example.com",
  password: "notes on the analytical engine",
  purchase: "meridian-tkl",
};

/** A customer with an account of their own; the attacker where one needs an account. */
export const grace: Person = {
  id: "20000000-0000-4000-8000-000000000002",
  email: "grace@example.com",
  password: "first actual case of bug found",
  purchase: "felt-desk-mat",
};

/** Where the attacker sits, and with what. */
export const elsewhere: ClientOptions = { address: "127.0.0.66", userAgent: "curl/8.14.1" };

/** The page signing in leads to. */
export const home = "/shopping-cart";

/** A browser of the shop in which somebody has signed in. Throws where signing in does not work. */
export async function signedIn(
  target: Target,
  { email, password }: Person,
  { remember = false, ...options }: ClientOptions & { remember?: boolean } = {},
): Promise<Client> {
  const { certificate } = target;
  const client = new Client(target.origins.store, {
    ...options,
    ...(certificate === null ? {} : { certificate }),
  });
  const answer = await signIn(client, email, password, remember ? { remember: "yes" } : {});
  if (answer.status !== 302 || answer.location === null || answer.location.startsWith("/login"))
    throw new Error(`Signing in was answered ${answer.status}, to ${answer.location}`);
  return client;
}

/** Goes to the login form and sends it. */
export async function signIn(
  client: Client,
  email: string,
  password: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return client.submit(await client.get("/login"), "/login", { email, password, ...more });
}

/** Somebody signed in, with something in the cart that is nobody else's business. */
export async function shopper(
  target: Target,
  person: Person,
  options: ClientOptions & { remember?: boolean } = {},
): Promise<Client> {
  const client = await signedIn(target, person, options);
  await client.submit(await client.get("/"), "/shopping-cart/items", { product: person.purchase });
  if (!showsCartOf(person, await client.get(home))) throw new Error(`${person.email} has no cart to look at`);
  return client;
}

/** The victim, signed in, with something in the cart. */
export function victim(
  target: Target,
  options: ClientOptions & { remember?: boolean } = {},
): Promise<Client> {
  return shopper(target, ada, options);
}

/** Whether an answer shows what only this person may see. */
export function showsCartOf({ purchase }: Person, { status, text }: Answer): boolean {
  return status === 200 && text.includes(`/shopping-cart/items/${purchase}/remove`);
}

/** Whether an answer shows what only the victim may see. */
export function showsVictimsCart(answer: Answer): boolean {
  return showsCartOf(ada, answer);
}

/** Signs out by the button. */
export async function signOut(client: Client): Promise<Answer> {
  return client.submit(await client.get(home), "/logout");
}

/** Another client with copies of these cookies, as they are now. */
export function thiefOf(
  owner: Client,
  names: readonly CookieName[],
  options: ClientOptions = elsewhere,
): Client {
  const { certificate } = owner.options;
  const thief = new Client(owner.origin, {
    ...options,
    ...(certificate === undefined ? {} : { certificate }),
  });
  for (const name of names) {
    const full = cookieName(owner, name);
    const value = owner.cookies.get(full);
    if (value !== undefined) thief.cookies.set(full, value);
  }
  return thief;
}

/** The cookies of a sign-in. */
export type CookieName = "session" | "refresh-token";

/** A cookie's name as it stands on the wire for this origin. */
export function cookieName({ origin }: Pick<Client, "origin">, name: CookieName): string {
  return origin.startsWith("https:") ? `__Host-${name}` : name;
}
