// Somebody signs in, again and again: another account and another address each time, so that nobody's failures or turns are what is measured.
// A candidate that has no place for it may say 503; who is told so comes back a while later, as people do.
import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { valuesOf, written } from "../connection.ts";
import type { Turn } from "../lane.ts";

/** Where and how people sign in. */
export interface SigningIn {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What each account posts. */
  readonly bodies: readonly string[];
  /** What a sign-in that went well is answered. */
  readonly status: number;
  /** The cookie it sets. */
  readonly cookie: string;
  /** Which account is next; lanes begin at different ones. */
  readonly next: number;
  /** Milliseconds within which this lane begins, and comes back after a 503; 0: at once, and a 503 is a failure. */
  readonly patience: number;
  readonly hasBegun: boolean;
}

export const turn: Turn<SigningIn> = async (connection, state, { host }) => {
  const { path, headers, bodies, next, patience, hasBegun } = state;
  if (!hasBegun && patience > 0) await delay(randomInt(patience));
  const answer = await connection.ask(
    written(
      "POST",
      path,
      { Host: host, ...headers, "X-Forwarded-For": address() },
      bodies[next % bodies.length],
    ),
  );
  const isRefused = answer.status === 503 && patience > 0;
  if (isRefused) await delay(patience + randomInt(patience));
  else if (answer.status !== state.status)
    throw new Error(`${path} answered ${answer.status} ${answer.body}`);
  else if (!valuesOf(answer, "set-cookie").some((line) => line.startsWith(`${state.cookie}=`)))
    throw new Error(`${path} signed nobody in`);
  return { ...state, next: next + 1, hasBegun: true };
};

// Of some 16 million; better-auth lets three in from one address within ten seconds.
function address(): string {
  return `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;
}
