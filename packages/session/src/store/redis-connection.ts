/**
 * The connection to Redis: made when first needed, made again by itself, and strict about one thing: **a command is sent once**.
 * What was under way when the connection broke has failed, because it may have been carried out; what finds no connection fails
 * without being sent. Only an answer that says "not carried out, ask there" (MOVED, ASK, NOSCRIPT) leads to a second sending; and
 * uses of sessions that were refused together are asked for one by one (redis-uses.ts): twice moved is where once moved is.
 */
import type { Cluster, Redis } from "ioredis";
import { SessionStoreUnavailableError } from "../errors.ts";
import { connectTimeout } from "./redis-client.ts";
import type { Script } from "./redis-scripts.ts";
import { turnsOf } from "./redis-turns.ts";

type Arguments = readonly (string | number)[];

/** A Redis to ask. */
export interface RedisConnection {
  /** Sends a command; `null` where the key holds another type than asked for: that is not ours. Rejects on every outage. */
  ask(command: string, ...args: Arguments): Promise<unknown>;
  /** The same for a script on one key. */
  run(script: Script, key: string, ...args: Arguments): Promise<unknown>;
  /** The same for a script on several keys; `null` also where these may not be asked for together, as in a Cluster. */
  runOnAll(script: Script, keys: readonly string[], args: Arguments): Promise<unknown>;
  /** Whether keys are on different servers, by what `url` says. */
  readonly isCluster: boolean;
  /** Does something when this turn of the event loop is over, right before its commands leave. */
  atEndOfTurn(act: () => void): void;
  /** Whether an answer says that something was done (1), or not (0, and where another type is there). */
  did(answer: Promise<unknown>): Promise<boolean>;
  /**
   * For an answer that can't be to what was asked: throws, and breaks the connection off, as whatever else is under way on it may get
   * another's answer too. Requests have no numbers in Redis's protocol.
   */
  mistrust(): never;
  /** Gives up the connection there is, and with it what is under way; the next call finds another. */
  breakOff(): void;
  /** Waits for answers that are due, and ends; every later call rejects. */
  close(): Promise<void>;
}

/** Asks through a client that is not connected yet. */
export function redisConnection(client: Redis | Cluster): RedisConnection {
  const { connected, leave, breakOff } = connections(client);
  const turns = turnsOf(client);
  let closed = false;

  const send = (command: string, args: Arguments): Promise<unknown> => {
    const connection = closed ? Promise.reject(new Error("CLOSED")) : connected();
    if (connection !== undefined) return connection.then(() => client.call(command, ...args));
    turns.hold();
    return client.call(command, ...args);
  };
  /** What becomes of a command that was refused or never left. */
  const recover = (error: unknown, sendAgain: () => Promise<unknown>): unknown => {
    const word = firstWord(error);
    // A master that has become a replica: whoever is asked next knows the new one. What it refused stays refused.
    if (word === "READONLY") breakOff();
    if (word === "WRONGTYPE" || word === "CROSSSLOT") return null;
    // Without its cause: the client's errors carry the command with its arguments, the password among them (CWE-532).
    if (!isUnsent(error)) throw unavailable(word ?? "there is no connection");
    leave();
    return sendAgain();
  };
  const ask = (command: string, args: Arguments): Promise<unknown> =>
    send(command, args).catch((error: unknown) => recover(error, () => ask(command, args)));
  const run = (script: Script, keys: readonly string[], args: Arguments): Promise<unknown> =>
    send("evalsha", [script.sha, keys.length, ...keys, ...args]).catch((error: unknown) =>
      firstWord(error) === "NOSCRIPT"
        ? ask("eval", [script.lua, keys.length, ...keys, ...args])
        : recover(error, () => run(script, keys, args)),
    );
  const mistrust = (): never => {
    breakOff();
    throw unavailable("its answers are out of step");
  };
  return {
    ask: (command, ...args) => ask(command, args),
    run: (script, key, ...args) => run(script, [key], args),
    runOnAll: run,
    isCluster: client.isCluster,
    atEndOfTurn: turns.atEnd,
    async did(answer) {
      const done = await answer;
      return done === 1 || done === 0 || done === null ? done === 1 : mistrust();
    },
    mistrust,
    breakOff,
    async close() {
      if (closed) return;
      turns.end();
      closed = true;
      if (client.status === "ready") await client.quit().catch(() => null);
      client.disconnect();
    },
  };
}

/** What is known of the connection. */
interface Connections {
  /** What to await before each command: it resolves when there is a connection, and is `undefined` while there is. */
  connected(): Promise<void> | undefined;
  /** Sends nothing more over the connection there is, which is closing. */
  leave(): void;
  /** Leaves it and closes it; another is made. */
  breakOff(): void;
}

/**
 * Calls wait for the first attempt to connect again after a connection was lost, and from then on fail at once until there is one: a
 * dead Redis costs nobody's time.
 */
function connections(client: Redis | Cluster): Connections {
  let failures = 0;
  let leaving = false;
  let last: unknown;
  let unusable: unknown = null;
  let waiting: PromiseWithResolvers<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  const settled = () => {
    const calls = waiting;
    waiting = null;
    clearTimeout(timer);
    return calls;
  };
  client.on("error", (error: unknown) => {
    last = error;
    // The client would go on in database 0.
    if (isOfSelect(error)) unusable = error;
  });
  client.on("ready", () => {
    failures = 0;
    settled()?.resolve();
  });
  client.on("close", () => {
    unusable = null;
    leaving = false;
    failures++;
    if (failures > 1) settled()?.reject(last);
  });

  const leave = () => {
    leaving = client.status === "ready";
  };
  return {
    leave,
    breakOff() {
      if (leaving) return;
      leave();
      if (leaving) client.disconnect(true);
    },
    connected() {
      if (unusable !== null) return Promise.reject(unusable);
      if (client.status === "ready" && !leaving) return undefined;
      if (failures > 1) return Promise.reject(last);
      if (waiting === null) {
        waiting = Promise.withResolvers<void>();
        timer = setTimeout(() => {
          failures++;
          settled()?.reject(last);
        }, connectTimeout);
      }
      const { promise } = waiting;
      // What comes of it, the listeners hear.
      if (client.status === "wait") client.connect().catch(() => null);
      return promise;
    },
  };
}

/** The client had a connection that it could not write to any more: what it was given has not left this process. */
function isUnsent(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Stream isn't writeable");
}

function isOfSelect(error: unknown): boolean {
  if (!(error instanceof Error) || !("command" in error)) return false;
  const { command } = error;
  return typeof command === "object" && command !== null && "name" in command && command.name === "select";
}

function unavailable(why: string): SessionStoreUnavailableError {
  return new SessionStoreUnavailableError(`Redis did not do it: ${why}.`);
}

/** The word Redis or the system gives an error, such as OOM or ECONNREFUSED; `null` where there is none. */
function firstWord(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ("code" in error && typeof error.code === "string") return error.code;
  return /^[A-Z]{2,}\b/.exec(error.message)?.[0] ?? null;
}
