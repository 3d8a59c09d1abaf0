// Somebody who is signed in and goes on reading while others sign in: a page so many times a second, whatever the answers take (open loop).
// Each has a connection for itself, so that none waits for the one before. On the core of the load.
import { setTimeout as delay } from "node:timers/promises";
import { present } from "../candidate.ts";
import { type Connection, connect, written } from "../connection.ts";
import { isPageOf } from "../page.ts";

/** What is visited. */
export interface Visiting {
  readonly port: number;
  readonly host: string;
  readonly cookie: string;
  readonly name: string;
  readonly perSecond: number;
  readonly seconds: number;
}

/** How long pages took, in milliseconds. */
export interface Visits {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

present({ port: 0, answers: { visit: (argument) => visit(argument as Visiting) } });

async function visit({ port, host, cookie, name, perSecond, seconds }: Visiting): Promise<Visits> {
  const request = written("GET", "/page", { Host: host, Cookie: cookie, Accept: "text/html" });
  const free: Connection[] = [];
  const took: number[] = [];
  const ask = async () => {
    const connection = free.pop() ?? (await connect(port));
    const asked = performance.now();
    const { status, body } = await connection.ask(request);
    took.push(performance.now() - asked);
    if (status !== 200 || !isPageOf(body, name)) throw new Error(`The page was ${status}: ${body}`);
    free.push(connection);
  };
  const visits: Promise<void>[] = [];
  const begun = performance.now();
  for (let count = 0; count < perSecond * seconds; count++) {
    await delay(Math.max(0, begun + (count * 1_000) / perSecond - performance.now()));
    const visit = ask();
    // It is looked at below, when all have been asked.
    visit.catch(() => undefined);
    visits.push(visit);
  }
  await Promise.all(visits);
  for (const connection of free) connection.close();
  const sorted = took.sort((a, b) => a - b);
  const at = (portion: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * portion))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? 0 };
}
