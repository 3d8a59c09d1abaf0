/** Lets a test decide, step by step, which of several running requests goes on next. */
import { setImmediate } from "node:timers/promises";
import type { SessionStore } from "../src/index.ts";

/** Random numbers from a seed, so that a history can be played again (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Requests wait here before everything they ask of a store or a provider. */
export interface Interleaving {
  /** Waits until the test lets this request go on. */
  step(): Promise<void>;
  /** Lets one waiting request go on, and runs it to its next step; false if none waits. */
  goOn(pick: (count: number) => number): Promise<boolean>;
}

/** Nobody waits yet; until `goOn` is called nothing that takes a step gets anywhere. */
export function interleaving(): Interleaving {
  const waiting: (() => void)[] = [];
  /** The provider commits at the end of a turn, so an answer takes a few; what takes longer arrives later. */
  const settle = async () => {
    for (let turn = 0; turn < 4; turn++) await setImmediate();
  };
  const goOn: Interleaving["goOn"] = async (pick) => {
    await settle();
    const [next] = waiting.splice(pick(waiting.length), 1);
    next?.();
    await settle();
    return next !== undefined;
  };
  return {
    step: () => new Promise((resolve) => waiting.push(resolve)),
    goOn,
  };
}

/** The store, before each call of which a request takes a step. */
export function steppedStore(store: SessionStore, step: () => Promise<void>): SessionStore {
  return {
    insertSession: (session) => step().then(() => store.insertSession(session)),
    useSession: (hash, now, idle) => step().then(() => store.useSession(hash, now, idle)),
    readSession: (hash, now) => step().then(() => store.readSession(hash, now)),
    updateSession: (session) => step().then(() => store.updateSession(session)),
    questionSession: (hash, at) => step().then(() => store.questionSession(hash, at)),
    deleteSession: (hash) => step().then(() => store.deleteSession(hash)),
    insertSignIn: (signIn) => step().then(() => store.insertSignIn(signIn)),
    readSignIn: (id) => step().then(() => store.readSignIn(id)),
    updateSignIn: (changed) => step().then(() => store.updateSignIn(changed)),
    liveSignIns: (of) => store.liveSignIns(of),
    signInsOwingRevocation: (limit) => store.signInsOwingRevocation(limit),
    sweep: (now) => store.sweep(now),
    close: () => store.close(),
  };
}
