// Who signs in to the peers, and how their browsers come by a cookie: through the peer's own route, over HTTP, one after the other.
import { randomBytes } from "node:crypto";

/** How long a session lasts without a visit, in seconds: what Latchkey's lasts. */
export const idle = 30 * 60;
/** What a peer signs or seals with. */
export const secret = randomBytes(32).toString("hex");
/** As Latchkey's candidates sign them in: some people with several browsers each. */
const people = 20;
const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/** What an application keeps of a person in a session. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly fullName: string;
  readonly roles: readonly string[];
}

/** A browser that has signed in. */
export interface Browser {
  readonly name: string;
  /** Its Cookie header. */
  readonly cookie: string;
}

/** The person of the n-th browser. */
export function person(index: number): Person {
  const number = index % people;
  return {
    id: `8d1f6c3e-42b7-4a90-b5e1-${String(number).padStart(12, "0")}`,
    email: `person${number}@example.com`,
    fullName: `Person ${number}`,
    roles: ["customer"],
  };
}

/** Whether the n-th browser is its person's first. */
export function isFirst(index: number): boolean {
  return index < people;
}

/** What a browser posts, and where. */
export interface SignIn {
  readonly path: string;
  readonly body: unknown;
}

/** As many browsers as `SIGN_INS` says, 100 without it, each from an address of its own; throws where one is not let in. */
export async function signedIn(port: number, signIn: (index: number) => SignIn): Promise<Browser[]> {
  const browsers: Browser[] = [];
  for (let index = 0; index < Number(process.env["SIGN_INS"] ?? 100); index++) {
    const { path, body } = signIn(index);
    const origin = `http://127.0.0.1:${port}`;
    const response = await fetch(origin + path, {
      method: "POST",
      redirect: "manual",
      headers: {
        origin,
        "content-type": "application/json",
        "user-agent": agent,
        "x-forwarded-for": `10.0.${index >> 8}.${index & 255}`,
      },
      body: JSON.stringify(body),
    });
    const cookie = response.headers.getSetCookie().map((line) => line.slice(0, line.indexOf(";")));
    if (response.status >= 400 || cookie.length === 0)
      throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
    browsers.push({ name: person(index).fullName, cookie: cookie.join("; ") });
  }
  return browsers;
}

/** What `POST /login` of a peer that checks no passwords is told: who it is. */
export function whoItIs(index: number): SignIn {
  return { path: "/login", body: { index } };
}

/** A cookie of that name in a Cookie header, decoded; throws if there is none. */
export function cookieIn(header: string | undefined, name: string): string {
  const found = header?.split("; ").find((pair) => pair.startsWith(`${name}=`));
  if (found === undefined) throw new Error(`No cookie ${name}`);
  return decodeURIComponent(found.slice(name.length + 1));
}

/** What stands before a signature, which is behind the last dot. */
export function unsigned(value: string): string {
  return value.slice(0, value.lastIndexOf("."));
}
