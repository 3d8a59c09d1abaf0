// More people who sign in than there are places for: how soon those are told who find none.
import { exchange, type Exchanged } from "../../exchange.ts";
import type { SigningIn } from "../../lanes/sign-in.ts";
import type { Running } from "../../running.ts";
import { atMost, number, type Options, type Table, type Target } from "../../section.ts";
import type { Spread } from "../../rounds.ts";
import type { How } from "./ways.ts";

const crowd = 300;

/** What became of a crowd. */
export interface Overflow {
  readonly name: string;
  /** All of them in the same instant. */
  readonly instant: Exchanged;
  /** One after the other within a second, coming back when refused. */
  readonly second: Exchanged;
}

/** Sends both to a candidate; throws where somebody is answered neither that he is in nor 503, or nobody is refused. */
export async function overflow(candidate: Running, how: How, { isQuick, say }: Options): Promise<Overflow> {
  const { name } = candidate;
  const flood = async (hasBegun: boolean, seconds: number) => {
    const all = states(how, crowd, 1_000).map((state) => ({ ...state, hasBegun }));
    const people = await exchange("sign-in", candidate, all);
    try {
      const answered = await people.run(seconds);
      if (answered.failure !== null)
        throw new Error(`${name}: ${answered.failed} failed: ${answered.failure}`);
      if (answered.answers[503] === undefined) throw new Error(`${name}: nobody of ${crowd} was refused`);
      return answered;
    } finally {
      await people.stop();
    }
  };
  say(`  ${crowd} at once: ${name}`);
  return { name, instant: await flood(true, 0.5), second: await flood(false, isQuick ? 1 : 10) };
}

/** Lanes that go through the accounts in step, each from another one on. */
export function states(how: How, count: number, patience: number): SigningIn[] {
  return Array.from({ length: count }, (_, next) => ({ ...how, next, patience, hasBegun: false }));
}

/** What was to be reached, beside what the limit comes to on as many cores. */
export function overflowTargets({ name, instant, second }: Overflow, limit: Overflow | undefined): Target[] {
  const target = (when: string, answered: Exchanged, atTheLimit: Exchanged | undefined) =>
    atMost(`${name}: 503 past the queue, ms, p99: ${crowd} ${when}`, 50, late(answered), {
      digits: 1,
      limit: atTheLimit && late(atTheLimit),
    });
  return [
    target("who come within a second", second, limit?.second),
    target("in one instant", instant, limit?.instant),
  ];
}

function late({ answers }: Exchanged): Spread {
  const value = answers[503]?.p99 ?? Number.NaN;
  return { median: value, least: value, most: value };
}

/** A row a crowd. */
export function overflowTable(all: readonly Overflow[]): Table {
  const rows = all.flatMap(({ name, instant, second }) => [
    { who: `${name}: ${crowd} in one instant`, answers: instant.answers },
    { who: `${name}: ${crowd} within a second, who come back 1–2 s after a 503`, answers: second.answers },
  ]);
  return {
    title: "More than there are places for (one hash at a time, 64 wait)",
    columns: ["who", "signed in", "503", "503 p50 ms", "p99 ms", "most ms"],
    rows: rows.map(({ who, answers }) => [
      who,
      number(answers[302]?.count ?? 0),
      number(answers[503]?.count ?? 0),
      number(answers[503]?.p50 ?? Number.NaN, 1),
      number(answers[503]?.p99 ?? Number.NaN, 1),
      number(answers[503]?.most ?? Number.NaN, 1),
    ]),
  };
}
