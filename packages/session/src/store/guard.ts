/**
 * What stands around every store: a deadline for each call, a circuit breaker, and a look at the answer, so that a store that is dead,
 * hangs or answers nonsense costs a request little and means one thing to the rest of the package: SessionStoreUnavailableError.
 *
 * A call that was given up may still take effect, minutes later. So nothing is sent twice from here, and callers write only what is
 * true whenever it is applied: times are absolute, sign-ins change by compare-and-swap, and a session that comes late belongs to a
 * sign-in that is looked at before the session is first used.
 */
import { breaker } from "../circuit.ts";
import { deadlines } from "../deadline.ts";
import { SessionStoreUnavailableError } from "../errors.ts";
import { isHeard, type Publish } from "../events.ts";
import { areLiveSignIns, areSignIns, isBoolean, isSessionOrNull, isSignInOrNull } from "./right-answer.ts";
import type { SessionStore } from "./store.ts";

/** What the guard needs besides the store. */
export interface StoreGuard {
  /** Milliseconds a call has. */
  readonly deadline: number;
  /** Milliseconds, by a clock that goes evenly. */
  readonly elapsed: () => number;
  readonly publish: Publish;
}

/** Closing writes what is unwritten: that may take longer than a request should. */
const deadlinesOfClosing = 5;

/** The same store; every call is answered or rejects with SessionStoreUnavailableError within the deadline. */
export function guarded(store: SessionStore, guard: StoreGuard): SessionStore {
  const waiting = deadlines(guard.deadline);
  const lane = lanes(guard);
  const ask = () => asking(guard, waiting, lane());
  const [readSessions, writeSessions, readSignIns, writeSignIns] = [ask(), ask(), ask(), ask()];
  return {
    insertSession: (session) => writeSessions("insertSession", () => store.insertSession(session), isBoolean),
    useSession: (hash, now, idle) =>
      readSessions(
        "useSession",
        () => store.useSession(hash, now, idle),
        (answer) => isSessionOrNull(answer, hash),
      ),
    readSession: (hash, now) =>
      readSessions(
        "readSession",
        () => store.readSession(hash, now),
        (answer) => isSessionOrNull(answer, hash),
      ),
    updateSession: (session) => writeSessions("updateSession", () => store.updateSession(session), isBoolean),
    questionSession: (hash, at) =>
      writeSessions("questionSession", () => store.questionSession(hash, at), isDone),
    deleteSession: (hash) => writeSessions("deleteSession", () => store.deleteSession(hash), isDone),
    insertSignIn: (signIn) => writeSignIns("insertSignIn", () => store.insertSignIn(signIn), isBoolean),
    readSignIn: (id) =>
      readSignIns(
        "readSignIn",
        () => store.readSignIn(id),
        (answer) => isSignInOrNull(answer, id),
      ),
    updateSignIn: (next) => writeSignIns("updateSignIn", () => store.updateSignIn(next), isBoolean),
    liveSignIns: (of) =>
      readSignIns(
        "liveSignIns",
        () => store.liveSignIns(of),
        (answer) => areLiveSignIns(answer, of),
      ),
    signInsOwingRevocation: (limit) =>
      readSignIns("signInsOwingRevocation", () => store.signInsOwingRevocation(limit), areSignIns),
    sweep: (now) => writeSignIns("sweep", () => store.sweep(now), isDone),
    async close() {
      try {
        await closed(store, guard.deadline * deadlinesOfClosing);
      } finally {
        // Not before: what is answered by then is not heard any more, and whoever waits for it would wait for ever.
        waiting.close();
      }
    },
  };
}

/** What resolves to nothing may resolve to anything. */
const isDone = (): boolean => true;

/** Calls of one kind, and why the last of them had no answer. */
interface Lane {
  readonly circuit: ReturnType<typeof breaker>;
  lastCause: unknown;
}

/**
 * A circuit for sessions that are read, for those that are written, and two for sign-ins: a store that is read-only, full or in part
 * locked must not take the pages of those away who are signed in, nor make each renewal wait. To listeners it is one: open while any is.
 */
function lanes({ elapsed, publish }: StoreGuard): () => Lane {
  let open = 0;
  const changed = (to: "open" | "closed") => {
    open += to === "open" ? 1 : -1;
    if (to === "open" && open === 1) publish({ type: "circuit-opened", what: "session-store" });
    if (to === "closed" && open === 0) publish({ type: "circuit-closed", what: "session-store" });
  };
  return () => ({ circuit: breaker(elapsed, changed), lastCause: undefined });
}

type Ask = <Answer>(
  call: string,
  ask: () => Promise<Answer>,
  isRight: (answer: Answer) => boolean,
) => Promise<Answer>;

function asking(
  { deadline, elapsed, publish }: StoreGuard,
  waiting: ReturnType<typeof deadlines>,
  lane: Lane,
): Ask {
  const { circuit } = lane;
  const report = (call: string, outcome: "answered" | "failed" | "timed-out" | "not-asked", begun: number) =>
    publish({ type: "store-called", call, outcome, milliseconds: elapsed() - begun });
  const unavailable = (message: string, cause: unknown) =>
    new SessionStoreUnavailableError(message, { cause, retryAfter: circuit.retryAfter() });

  return (call, ask, isRight) => {
    const begun = isHeard() ? elapsed() : null;
    const era = circuit.enter();
    if (era === null) {
      if (begun !== null) report(call, "not-asked", begun);
      return Promise.reject(unavailable("The session store is not asked for a moment.", lane.lastCause));
    }
    return new Promise((resolve, reject) => {
      const fail = (outcome: "failed" | "timed-out", cause: unknown) => {
        circuit.missed(era);
        lane.lastCause = cause;
        if (begun !== null) report(call, outcome, begun);
        reject(unavailable("The session store did not answer.", cause));
      };
      const running = waiting.start(() => {
        fail("timed-out", new Error(`${call} took longer than ${deadline} ms`));
      });
      const failed = (cause: unknown) => {
        if (waiting.end(running)) fail("failed", cause);
      };
      try {
        ask().then((answer) => {
          if (!waiting.end(running)) return;
          if (!isRight(answer)) return fail("failed", new TypeError(`${call} was answered with nonsense`));
          circuit.answered(era);
          if (begun !== null) report(call, "answered", begun);
          resolve(answer);
        }, failed);
      } catch (cause) {
        failed(cause);
      }
    });
  };
}

async function closed(store: SessionStore, patience: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`close took longer than ${patience} ms`)), patience);
  });
  try {
    await Promise.race([store.close(), late]);
  } catch (cause) {
    throw new SessionStoreUnavailableError("The session store did not close.", { cause });
  } finally {
    clearTimeout(timer);
  }
}
