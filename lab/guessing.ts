/** Guessing passwords as somebody does who has read the answers: at once where that works, and else no sooner than told. */
import { type Answer, Client, type ClientOptions } from "./client.ts";
import { formFor } from "./html-form.ts";
import { cookieName } from "./people.ts";
import { second } from "./schedule.ts";
import type { Target } from "./target.ts";
import type { Theft } from "./theft.ts";

/** What came of one guess; a number is the seconds to wait, and then the password was not looked at. */
export type Guessed = "right" | "wrong" | number;

/** One way to try a candidate: `index` is the candidate's place on the list. */
export type Guess = (candidate: string, index: number) => Promise<Guessed>;

/** A list where the right one stands at `place`, counted from 1. */
export function candidates(right: string, place: number, wrong: (index: number) => string): string[] {
  return Array.from({ length: place }, (_, index) => (index === place - 1 ? right : wrong(index)));
}

/**
 * Works through the list for `until` milliseconds of the target's clock. Each candidate is tried in all `ways` before the
 * attacker waits, as long as the shortest of the answers says. One that was right is the attacker's success.
 */
export async function guessPatiently(
  target: Target,
  theft: Theft,
  { list, ways, until }: { list: readonly string[]; ways: readonly Guess[]; until: number },
): Promise<void> {
  const end = target.now() + until;
  for (const [index, candidate] of list.entries()) {
    for (;;) {
      const guessed = await tried(theft, () => inTurn(ways, candidate, index));
      if (target.now() >= end) return;
      if (typeof guessed !== "number") break;
      await target.pass(Math.max(1, guessed) * second);
    }
  }
}

async function tried(theft: Theft, guess: () => Promise<Guessed>): Promise<Guessed> {
  const outcome: { guessed: Guessed } = { guessed: 0 };
  await theft.attempt(async () => {
    outcome.guessed = await guess();
    return outcome.guessed === "right";
  });
  return outcome.guessed;
}

async function inTurn(ways: readonly Guess[], candidate: string, index: number): Promise<Guessed> {
  const waits: number[] = [];
  for (const way of ways) {
    const guessed = await way(candidate, index);
    if (typeof guessed !== "number") return guessed;
    if (guessed > 0) waits.push(guessed);
  }
  if (waits.length === 0) throw new Error("No way of guessing is one");
  return Math.min(...waits);
}

/** All of these at once; one that was right is the attacker's success. Those that were looked at are off the list. */
export async function guessAtOnce(theft: Theft, list: readonly string[], way: Guess): Promise<void> {
  await theft.attempt(async () => {
    const guesses = await Promise.all(list.map((candidate, index) => way(candidate, index)));
    return guesses.includes("right");
  });
}

/** How a guess at an application's login form is dressed up. */
export interface Disguise extends ClientOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  /** Cookies the attacker has. */
  readonly cookies?: ReadonlyMap<string, string>;
}

/** One guess at the login form, from a browser that has never been there. 0: the form was not taken for one. */
export async function guessAtLoginForm(
  origin: string,
  credentials: { readonly email: string; readonly password: string },
  { headers = {}, path = "/login", cookies, ...options }: Disguise,
): Promise<Guessed> {
  const client = new Client(origin, options);
  for (const [name, value] of cookies ?? []) client.cookies.set(name, value);
  const { fields } = formFor((await client.get("/login", { headers })).text, "/login");
  for (const [name, value] of Object.entries(credentials)) fields.set(name, value);
  const answer = await client.send("POST", path, { body: fields, headers });
  if (client.cookies.has(cookieName(client, "session"))) return "right";
  return guessedBy(answer);
}

/** What an answer says of a wrong guess. */
export function guessedBy({ status, headers }: Answer): Exclude<Guessed, "right"> {
  if (status === 401) return "wrong";
  return status === 429 || status === 503 ? Number(headers["retry-after"] ?? 1) : 0;
}

/** Another loopback address for each guess below 64,000: 127.1.0.1 and on. */
export function anotherAddress(index: number): string {
  return `127.1.${Math.floor(index / 250)}.${(index % 250) + 1}`;
}
