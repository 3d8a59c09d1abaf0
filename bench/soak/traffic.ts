// Mixed traffic at a fixed rate: so many steps a second, whoever's turn it is, whether the server is quick or not.
import { setTimeout as delay } from "node:timers/promises";
import { type Actor, guesser, honest, stranger, victim } from "./actors.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Person, Site } from "./site.ts";

/** Traffic under way. */
export interface Traffic {
  /** Sends nothing more until `resume`, and waits for the answers to what was sent. */
  pause(): Promise<void>;
  resume(): void;
  stop(): Promise<void>;
}

/** What the traffic is made of. */
export interface TrafficOptions {
  readonly sites: readonly Site[];
  readonly people: readonly Person[];
  /** Steps a second; a step is one to four requests. */
  readonly rate: number;
  /** Milliseconds. */
  readonly signInAbsolute: number;
  readonly outcomes: Outcomes;
}

/** Milliseconds between looks at the clock. */
const tick = 10;
/** Steps under way at once, at most: what can't be sent for want of answers is counted, not piled up. */
const mostUnderWay = 50;
const victims = 16;
const guessers = 40;

/** Starts it. */
export function startTraffic(options: TrafficOptions): Traffic {
  const { rate, outcomes } = options;
  const crowd = crowdOf(options);
  const underWay = new Set<Promise<void>>();
  let last = performance.now();
  let due = 0;
  let isPaused = false;

  const step = () => {
    const queue = underWay.size < mostUnderWay ? crowd[chosen(crowd)]?.queue : undefined;
    const actor = queue?.shift();
    if (queue === undefined || actor === undefined) return outcomes.done("step left out: too many under way");
    const doing: Promise<void> = actor()
      .catch((error: unknown) => outcomes.mustNotBe(`a request failed: ${String(error)}`))
      .finally(() => {
        underWay.delete(doing);
        queue.push(actor);
      });
    underWay.add(doing);
    outcomes.done("step");
  };
  const timer = setInterval(() => {
    const now = performance.now();
    if (!isPaused) due += ((now - last) / 1_000) * rate;
    last = now;
    for (; due >= 1; due--) step();
  }, tick);
  const everybody = waiting(crowd);
  const settled = async () => {
    while (underWay.size > 0) await Promise.race([Promise.all(underWay), delay(100)]);
    // Traffic that thins out unnoticed would look flat.
    if (waiting(crowd) !== everybody) outcomes.mustNotBe("somebody of the traffic was lost");
  };

  return {
    async pause() {
      isPaused = true;
      await settled();
    },
    resume() {
      isPaused = false;
    },
    async stop() {
      clearInterval(timer);
      await settled();
    },
  };
}

interface Group {
  readonly share: number;
  /** Those who do nothing just now; whose turn it is stands first. */
  readonly queue: Actor[];
}

/** Everybody. Victims and honest people are others, so that no theft signs an honest person out; two browsers of a person are two devices. */
function crowdOf({ sites, people, signInAbsolute, outcomes }: TrafficOptions): readonly Group[] {
  const at = (number: number): Site => {
    const site = sites[number % sites.length];
    if (site === undefined) throw new Error("There is no site to send anything to");
    return site;
  };
  const browser = (person: Person, number: number) => ({
    site: at(number),
    person,
    address: `127.1.${number >> 8}.${number & 255}`,
    signInAbsolute,
    outcomes,
  });
  const [robbed, others] = [people.slice(0, victims), people.slice(victims)];
  const visitors = others.flatMap((person, index) =>
    [0, 1, 2].map((device) => honest(browser(person, 1_000 + index * 3 + device))),
  );
  const members = [...robbed.map((person, index) => victim(browser(person, index))), ...visitors];
  const guessing = Array.from({ length: guessers }, (_, index) =>
    guesser(at(index), `nobody${index}@example.com`, `127.2.0.${index}`, outcomes),
  );
  const strangers = Array.from({ length: 20 }, (_, index) =>
    stranger(at(index), `127.3.0.${index}`, outcomes),
  );
  return [
    { share: 0.78, queue: members },
    { share: 0.2, queue: strangers },
    { share: 0.02, queue: guessing },
  ];
}

function waiting(groups: readonly Group[]): number {
  return groups.reduce((count, { queue }) => count + queue.length, 0);
}

function chosen(groups: readonly Group[]): number {
  let chance = Math.random();
  for (const [index, { share }] of groups.entries()) {
    chance -= share;
    if (chance < 0) return index;
  }
  return 0;
}
