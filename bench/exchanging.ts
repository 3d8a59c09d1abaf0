// The process that exchange.ts starts: runs the lanes, counts their turns and the answers they got.
import { type Answer, type Connection, connect } from "./connection.ts";
import { present } from "./candidate.ts";
import type { Answered, Exchanged } from "./exchange.ts";
import type { Target, Turn } from "./lane.ts";

interface Prepared {
  readonly turn: Turn<unknown>;
  readonly target: Target;
  readonly states: unknown[];
}

let prepared: Prepared | null = null;
process.on("SIGTERM", () => process.exit(0));
present({
  port: 0,
  answers: {
    async prepare(argument) {
      const { lane, target, states } = argument as { lane: string; target: Target; states: unknown[] };
      const { turn } = (await import(lane)) as { turn: Turn<unknown> };
      prepared = { turn, target, states };
    },
    run: (seconds) => run(lanes(), Number(seconds)),
    states: () => lanes().states,
  },
});

function lanes(): Prepared {
  if (prepared === null) throw new Error("No lanes are prepared");
  return prepared;
}

async function run({ turn, target, states }: Prepared, seconds: number): Promise<Exchanged> {
  const turns: number[] = [];
  const byStatus = new Map<number, number[]>();
  const failures: string[] = [];
  // New ones each time: a server closes what is idle between rounds.
  const connections = await Promise.all(states.map(() => connect(target.port)));
  const begun = performance.now();
  const end = begun + seconds * 1_000;
  const lane = async (connection: Connection, index: number) => {
    const watched = watching(connection, byStatus);
    try {
      for (let at = performance.now(); at < end; ) {
        states[index] = await turn(watched, states[index], target);
        const now = performance.now();
        turns.push(now - at);
        at = now;
      }
    } catch (error) {
      failures.push(String(error));
    } finally {
      connection.close();
    }
  };
  await Promise.all(connections.map(lane));
  const took = (performance.now() - begun) / 1_000;
  const { p50, p99 } = answered(turns);
  return {
    requests: turns.length,
    seconds: took,
    p50,
    p99,
    failed: failures.length,
    failure: failures[0] ?? null,
    answers: Object.fromEntries(Array.from(byStatus, ([status, times]) => [status, answered(times)])),
  };
}

function watching(connection: Connection, byStatus: Map<number, number[]>): Connection {
  const ask = async (request: string): Promise<Answer> => {
    const asked = performance.now();
    const answer = await connection.ask(request);
    const times = byStatus.get(answer.status) ?? [];
    byStatus.set(answer.status, times);
    times.push(performance.now() - asked);
    return answer;
  };
  return { ...connection, ask };
}

function answered(times: number[]): Answered {
  const sorted = Float64Array.from(times).sort();
  const at = (portion: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * portion))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? 0 };
}
