// Load that wrk can't make: chains in which a request needs what the answer before it said – refresh tokens that rotate, cookies that are
// renewed, a form and then its post. Each lane has a connection and a state of its own and goes on as soon as it is answered (closed loop);
// states outlive a run, so that rounds go on where the last one ended. The lanes run in a process of their own on the core of the load.
import type { Sample } from "./rounds.ts";
import { loadCore, type Running, start } from "./running.ts";

/** What a run came to. A turn is one request, or as many as the lane makes of it. Latencies are milliseconds, at saturation. */
export interface Exchanged {
  /** Turns that went well. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  /** Lanes that failed, and how the first of them did. */
  readonly failed: number;
  readonly failure: string | null;
  /** The answers by their status. */
  readonly answers: Readonly<Record<number, Answered>>;
}

/** The answers of one status. */
export interface Answered {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

/** Lanes that are ready to run. */
export interface Exchange<State> {
  /** Runs all lanes for so many seconds. */
  run(seconds: number): Promise<Exchanged>;
  /** What the lanes' next turns start from. */
  states(): Promise<State[]>;
  stop(): Promise<void>;
}

/** Makes a lane of `lanes/<lane>.ts` for each of these states, to ask that candidate. */
export async function exchange<State>(
  lane: string,
  { port, host }: Pick<Running, "port" | "host">,
  states: readonly State[],
): Promise<Exchange<State>> {
  const generator = await start({ name: `lanes of ${lane}`, file: "exchanging.ts", core: loadCore });
  await generator.ask("prepare", { lane: `./lanes/${lane}.ts`, target: { port, host }, states });
  return {
    run: async (seconds) => (await generator.ask("run", seconds)) as Exchanged,
    states: async () => (await generator.ask("states")) as State[],
    stop: () => generator.stop(),
  };
}

/** Runs the lanes and counts the CPU of what answers them; throws where a lane failed. */
export async function sampled(
  lanes: Exchange<unknown>,
  servers: readonly Running[],
  seconds: number,
): Promise<Sample> {
  const before = await cpuOf(servers);
  const { failed, failure, ...counted } = await lanes.run(seconds);
  const cpu = (await cpuOf(servers)) - before;
  if (failure !== null) throw new Error(`${servers[0]?.name}: ${failed} lanes failed: ${failure}`);
  return { ...counted, cpu };
}

async function cpuOf(servers: readonly Running[]): Promise<number> {
  const usages = await Promise.all(servers.map((server) => server.usage()));
  return usages.reduce((sum, { cpu }) => sum + cpu, 0);
}
