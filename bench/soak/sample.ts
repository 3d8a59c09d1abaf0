// One look at the server while nothing is asked of it: what it holds after a full collection, and how late its event loop was before.
import { readdirSync } from "node:fs";
import type { Usage } from "../candidate.ts";
import type { Running } from "../running.ts";
import type { Databases } from "./databases.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Traffic } from "./traffic.ts";

/** What was seen. */
export interface Sample {
  /** Seconds since the traffic began. */
  readonly at: number;
  /** Bytes. */
  readonly heap: number;
  readonly rss: number;
  /** Sockets, timers and the like; open files of the process. */
  readonly handles: number;
  readonly files: number;
  /** Milliseconds the event loop was late while there was traffic: 99th percentile and most. */
  readonly late: Usage["late"];
  /** The same of a process that does nothing: what the machine's other work does. */
  readonly idleLate: Usage["late"];
  /** Seconds of CPU since the process began. */
  readonly cpu: number;
  readonly databases: Databases;
  readonly counts: Readonly<Record<string, number>>;
  readonly wrongCount: number;
}

/** What is looked at. */
export interface Looking {
  readonly server: Running;
  readonly idle: Running;
  readonly traffic: Traffic;
  readonly outcomes: Outcomes;
  readonly databases: () => Promise<Databases>;
  /** `performance.now()` when the traffic began. */
  readonly begun: number;
}

/** Pauses the traffic, looks, and goes on. */
export async function sample({
  server,
  idle,
  traffic,
  outcomes,
  databases,
  begun,
}: Looking): Promise<Sample> {
  await traffic.pause();
  const { late } = await server.usage();
  // Twice: what only waits for its finaliser is gone after the second.
  await server.ask("collect");
  await server.ask("collect");
  // The collection's own pause is in the lateness of this usage, which nobody reads.
  const { heap, rss, handles, cpu } = await server.usage();
  const files = readdirSync(`/proc/${server.pid}/fd`).length;
  for (const error of (await server.ask("errors")) as string[])
    outcomes.mustNotBe(`an application could not handle: ${error}`);
  const seen = {
    at: (performance.now() - begun) / 1_000,
    heap,
    rss,
    handles,
    files,
    late,
    idleLate: (await idle.usage()).late,
    cpu: cpu / 1e6,
    databases: await databases(),
    counts: Object.fromEntries(outcomes.counts),
    wrongCount: outcomes.wrongCount,
  };
  traffic.resume();
  return seen;
}
