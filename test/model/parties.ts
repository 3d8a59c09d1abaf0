/** Who comes with cookies: browsers, which keep and forget them as browsers do, and thieves, who hold copies. */
import type { Pair } from "./truth.ts";

/** One application's cookies: name → value and when the browser forgets it. */
export type Jar = ReadonlyMap<string, { readonly value: string; readonly until: number }>;

/** A browser, with a jar for each application. */
export interface Browser {
  readonly kind: "browser";
  readonly name: string;
  readonly jars: [Jar, Jar];
  /** Where it is: it may move to another network. */
  address: string;
}

/** Where everybody is at first, and where they may go. */
export const home = "192.0.2.1";
export const elsewhere = "198.51.100.7";
export const homeByIPv6 = "2001:db8:0:1::7";

/** Where nobody but a thief is. */
export const farAway = "203.0.113.66";

/** What a thief took. */
export type Loot = "pair" | "session" | "refresh-token";

/** A thief, with what was taken of one pair. */
export interface Thief {
  readonly kind: "thief";
  readonly name: string;
  readonly loot: Loot;
  readonly stolenAt: number;
  readonly application: number;
  jar: Jar;
  readonly address: string;
}

/** Somebody who sends requests. */
export type Party = Browser | Thief;

/** What a party sends to an application now. */
export function cookiesFor(party: Party, application: number, now: number): Map<string, string> {
  const jar = party.kind === "thief" ? party.jar : (party.jars[application] ?? new Map());
  return new Map([...jar].filter(([, { until }]) => until > now).map(([name, { value }]) => [name, value]));
}

/** Takes an answer's cookies in; a thief of one cookie alone has no use for others. */
export function keep(party: Party, application: number, setCookie: readonly string[], now: number): void {
  if (party.kind === "browser")
    party.jars[application] = withCookies(party.jars[application] ?? new Map(), setCookie, now);
  else if (party.loot === "pair") party.jar = withCookies(party.jar, setCookie, now);
}

/** A jar after an answer. */
export function withCookies(jar: Jar, setCookie: readonly string[], now: number): Jar {
  const next = new Map(jar);
  for (const header of setCookie) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
    const maxAge = /; Max-Age=(\d+)/.exec(header)?.[1];
    const until = maxAge === undefined ? Number.POSITIVE_INFINITY : now + Number(maxAge) * 1_000;
    if (until > now) next.set(name, { value, until });
    else next.delete(name);
  }
  return next;
}

/** A copy of a jar's cookies, as far as they were taken. Whoever took no session id makes one up (attack A2). */
export function steal(jar: Jar, loot: Loot): Jar {
  const forEver = Number.POSITIVE_INFINITY;
  const taken = [...jar].filter(([name]) => loot === "pair" || name === loot);
  const copy = new Map(taken.map(([name, { value }]) => [name, { value, until: forEver }]));
  if (loot === "refresh-token") copy.set("session", { value: "A".repeat(43), until: forEver });
  return copy;
}

/** The session id a Set-Cookie list hands out, if any. */
export function handedOut(setCookie: readonly string[]): string | null {
  const value = setCookie
    .map((header) => /^session=([^;]+)/.exec(header)?.[1])
    .find((each) => each !== undefined);
  return value ?? null;
}

/** The pair a party holds for an application. */
export function heldPair(
  party: Party,
  application: number,
  pairs: ReadonlyMap<string, Pair>,
  now: number,
): Pair | null {
  return pairs.get(cookiesFor(party, application, now).get("session") ?? "") ?? null;
}
