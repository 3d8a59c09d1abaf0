// The two applications and the people, as the soak's traffic meets them: over HTTP, through the real pages.
import { type Answer, callApi } from "../../lab/client.ts";

/** One of the two applications. */
export interface Site {
  readonly name: "store" | "forum";
  readonly origin: string;
  /** The page that signing in leads to; nobody else may see it. */
  readonly home: string;
}

/** Somebody with an account at both applications. */
export interface Person {
  readonly email: string;
  /** What every page calls them, and nobody else. */
  readonly name: string;
  readonly password: string;
}

/** Where the applications are. */
export function sites(ports: { readonly store: number; readonly forum: number }): readonly Site[] {
  return [
    { name: "store", origin: `http://store.localhost:${ports.store}`, home: "/shopping-cart" },
    { name: "forum", origin: `http://forum.localhost:${ports.forum}`, home: "/posts" },
  ];
}

/** Makes accounts at the provider, registered for both applications; throws where it answers anything but 200. */
export async function register(
  idp: string,
  apiKey: string,
  applications: readonly string[],
  count: number,
): Promise<readonly Person[]> {
  const people: Person[] = [];
  for (let number = 0; number < count; number++) {
    const name = `Person${String(number).padStart(4, "0")}`;
    const person = {
      email: `${name.toLowerCase()}@example.com`,
      name,
      password: `a long password of ${name}`,
    };
    const { email, password } = person;
    const [first, ...others] = applications;
    const user = { email, password, firstName: name };
    const id = await registered(idp, apiKey, "", { user, registration: { applicationId: first } });
    for (const applicationId of others)
      await registered(idp, apiKey, `/${id}`, { registration: { applicationId } });
    people.push(person);
  }
  return people;
}

async function registered(idp: string, apiKey: string, path: string, json: unknown): Promise<string> {
  const asked = { authorization: apiKey, json };
  const { status, body } = await callApi(idp, "POST", `/api/user/registration${path}`, asked);
  if (status !== 200)
    throw new Error(`The provider answered ${status} to a registration: ${JSON.stringify(body)}`);
  return (body as { user?: { id: string } }).user?.id ?? "";
}

/** Whether an answer leads where signing in leads. */
export function leadsHome({ home }: Site, { status, location }: Answer): boolean {
  return status === 302 && location?.endsWith(home) === true;
}

/** Whether an answer is a page for that person. */
export function isFor({ name }: Person, { status, text }: Answer): boolean {
  return status === 200 && text.includes(`Signed in as ${name}`);
}

/** Whether an answer asks to sign in. */
export function isSentToSignIn({ status, location }: Answer): boolean {
  return (
    (status === 302 || status === 303) &&
    location !== null &&
    /^(https?:\/\/[^/]+)?\/login(\?|$)/.test(location)
  );
}

/** An answer in a few words, without a cookie. */
export function inWords({ status, location, text }: Answer): string {
  const title = /<title>([^<]*)/.exec(text)?.[1] ?? "";
  return [status, location, title].filter(Boolean).join(" ");
}
