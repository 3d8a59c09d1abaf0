// One process of the system under test: an application or the provider, as its argument says, told by its parent over IPC with what
// data and what time it is. It listens on the port it is given, so that the next one can take its place.
import { plan } from "./kill-points.ts";
import type { ApplicationConfig } from "./application-node.ts";
import type { ProviderConfig } from "./provider-node.ts";

/** What a process can be. */
export type Role = ({ role: "application" } & ApplicationConfig) | ({ role: "provider" } & ProviderConfig);

/**
 * What a process is told: what to be, what time it is, to do now what it does by itself from time to time, or to die at a step of the
 * next request to a path.
 */
export type Told =
  | { start: Role; now: number }
  | { now: number }
  | { maintain: true }
  | { doom: { path: string; at: number } | null };

/** What a started process can be told to do: what it does by itself every few seconds. */
export type Maintain = () => Promise<void>;

let now = 0;
let maintain: Maintain = () => Promise.resolve();

// Loaded before it is needed, and nothing of what the other one needs.
const { start } = (await import(
  process.argv[2] === "provider" ? "./provider-node.ts" : "./application-node.ts"
)) as { start: (config: Role, clock: () => number) => Promise<Maintain> };

async function obey(told: Told): Promise<void> {
  if ("maintain" in told) return maintain();
  if ("doom" in told) return plan(told.doom);
  now = told.now;
  if ("start" in told) maintain = await start(told.start, () => now);
}

process.on("disconnect", () => process.exit(0));
process.on("message", (told: Told) => {
  obey(told).then(
    () => process.send?.("done"),
    (error: unknown) => process.send?.(`failed: ${String(error)}`),
  );
});
