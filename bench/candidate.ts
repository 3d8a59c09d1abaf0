// A candidate's side: it listens, says where, and answers what the bench asks it over the channel between the two processes. What is asked
// never passes through what is measured.
import { monitorEventLoopDelay } from "node:perf_hooks";

/** A server that is measured. */
export interface Candidate {
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
  /** The Host header to ask with; 127.0.0.1 and the port if absent. */
  readonly host?: string;
  /** A Cookie header for each browser that has signed in. */
  readonly cookies?: readonly string[];
  /** Who these browsers have signed in as, in the same order. */
  readonly names?: readonly string[];
  /** What the versions of its packages are, for the record. */
  readonly versions?: Readonly<Record<string, string>>;
  /** What else the bench may ask of it, by name: the clock moved, when a session expires, … */
  readonly answers?: Readonly<Record<string, (argument: unknown) => unknown>>;
}

/** What a process has used since it began. */
export interface Usage {
  /** Microseconds of CPU, all threads. */
  readonly cpu: number;
  /** Bytes. */
  readonly rss: number;
  /** Bytes of the JavaScript heap in use. */
  readonly heap: number;
  /** Sockets, timers and the like that keep the process alive. */
  readonly handles: number;
  /** Milliseconds the event loop was late since it was last asked: the most, and the 99th percentile. */
  readonly late: { readonly most: number; readonly p99: number };
}

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

/** Tells the bench that this candidate is ready, and answers it until the channel closes, which ends the process. */
export function present({ answers = {}, ...candidate }: Candidate): void {
  const lateness = monitorEventLoopDelay({ resolution: 1 });
  lateness.enable();
  const known: Record<string, (argument: unknown) => unknown> = {
    ...answers,
    usage: () => usage(lateness),
    collect: () => globalThis.gc?.(),
  };
  process.on("disconnect", () => process.exit(0));
  process.on("message", ({ id, name, argument }: Question) => {
    const answer = async () => {
      const ask = known[name];
      if (ask === undefined) throw new Error(`No candidate answers "${name}"`);
      return ask(argument);
    };
    answer().then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  });
  process.send?.({ ready: candidate });
}

function usage(lateness: ReturnType<typeof monitorEventLoopDelay>): Usage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const late = { most: lateness.max / 1e6, p99: lateness.percentile(99) / 1e6 };
  lateness.reset();
  return { cpu: user + system, rss, heap: heapUsed, handles: process.getActiveResourcesInfo().length, late };
}
