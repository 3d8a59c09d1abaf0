/**
 * Who goes on next. Requests wait here before everything they ask of a store or a provider, and the history decides
 * which of them goes on: so a history is the same each time it is played. Knows nothing of what the requests do.
 */
import { setImmediate } from "node:timers/promises";

/** The steps of one history. */
export interface Steps {
  /** What is not ours to interleave, like the provider's own work: nothing goes on until it is done. */
  outside<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Lets the waiting request at `index` (of as many as there are) go on to its next step. */
  goOn(index: number): Promise<void>;
  /** Lets requests go on, the latest first, until `isDone`; those that start meanwhile don't wait. */
  runUntil(isDone: () => boolean): Promise<void>;
  /** The step of one process' requests: each waits there until the history lets it go on. */
  ofProcess(): () => Promise<void>;
  /** The process with that step has died: nobody who waits there ever goes on. */
  forget(step: () => Promise<void>): void;
}

let busy = 0;
const whenIdle: (() => void)[] = [];

/** Counts what runs beside the event loop, so that `settled` can wait for it: jose verifies with WebCrypto. */
async function counted<Result>(work: () => Promise<Result>): Promise<Result> {
  busy += 1;
  try {
    return await work();
  } finally {
    busy -= 1;
    if (busy === 0) for (const idle of whenIdle.splice(0)) idle();
  }
}

const { subtle } = globalThis.crypto;
for (const name of ["verify", "importKey"] as const) {
  const original = subtle[name];
  const value = (...args: unknown[]) => counted(() => Reflect.apply(original, subtle, args));
  Object.defineProperty(subtle, name, { value });
}

/** Everybody who runs has come to a step, or to an end. */
async function settled(): Promise<void> {
  for (let quiet = 0; quiet < 2; quiet++) {
    await setImmediate();
    if (busy === 0) continue;
    await new Promise<void>((resolve) => whenIdle.push(resolve));
    quiet = -1;
  }
}

/** Nobody waits yet. */
export function steps(): Steps {
  let waiting: { readonly at: () => Promise<void>; readonly goOn: () => void }[] = [];
  let free = false;

  const release = async (index: number) => {
    const [next] = waiting.splice(index, 1);
    next?.goOn();
    await settled();
  };

  return {
    ofProcess() {
      const step = () =>
        free ? Promise.resolve() : new Promise<void>((goOn) => waiting.push({ at: step, goOn }));
      return step;
    },
    outside: counted,
    async goOn(index) {
      await settled();
      if (waiting.length > 0) await release(index % waiting.length);
    },
    async runUntil(isDone) {
      free = true;
      // One turn more than nothing waits for: what shares another request's flight ends after it.
      for (let idle = 0; !isDone() && idle < 3; idle = waiting.length === 0 ? idle + 1 : 0) {
        await settled();
        if (!isDone()) await release(waiting.length - 1);
      }
      free = false;
      if (!isDone()) throw new Error("A request waits for nobody, and never ends.");
    },
    forget(step) {
      waiting = waiting.filter(({ at }) => at !== step);
    },
  };
}
