// What a piece of work consists of, counted while it is done: calls of node:crypto and WebCrypto, statements on SQLite and Postgres,
// addresses parsed. Loaded before everything else (`--import`), so that nobody holds an unwatched function. Nothing here measures time,
// and nothing happens by itself: timers stand still until `tick`, so that no upkeep, flush or poll falls into what is counted.
import { AsyncLocalStorage } from "node:async_hooks";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { mock } from "node:test";
import pg from "pg";

/** What one party did. */
export interface Counted {
  /** Operations of cryptography by name, how many of each; the names are below. */
  readonly crypto: Record<string, number>;
  /**
   * Statements one after the other, by verb and table, on Postgres by their names; on SQLite it is said behind each commit where what
   * it wrote is when it is answered.
   */
  readonly sql: string[];
  /** How often Postgres was waited for. */
  roundTrips: number;
  /** Addresses parsed (`new URL`). */
  urls: number;
}

/** What was done outside the provider, and within it, where it is embedded. */
export type Work = Record<"own" | "provider", Counted>;

mock.timers.enable({ apis: ["setTimeout", "setInterval"] });

/** Lets milliseconds pass for all timers. */
export function tick(milliseconds: number): void {
  mock.timers.tick(milliseconds);
}

const nothing = (): Counted => ({ crypto: {}, sql: [], roundTrips: 0, urls: 0 });
const withinProvider = new AsyncLocalStorage<true>();
let work: Work = { own: nothing(), provider: nothing() };

/** Does something and answers what it took. One at a time. */
export async function counted(act: () => unknown): Promise<Work> {
  const begun = (work = { own: nothing(), provider: nothing() });
  await act();
  return structuredClone(begun);
}

/** For the embedded provider: what is done in here is its work. */
export function ofProvider<Result>(act: () => Result): Result {
  return withinProvider.run(true, act);
}

function party(): Counted {
  return work[withinProvider.getStore() === true ? "provider" : "own"];
}

function noteCrypto(operation: string): void {
  const { crypto } = party();
  crypto[operation] = (crypto[operation] ?? 0) + 1;
}

type Call = (self: unknown, args: readonly unknown[], call: () => unknown) => unknown;

/** Puts `around` between a function and whoever calls it. */
function watch(owner: object, name: string, around: Call): void {
  const original: unknown = Reflect.get(owner, name);
  if (typeof original !== "function") throw new TypeError(`There is no ${name} to watch`);
  const watched = function (this: unknown, ...args: unknown[]): unknown {
    return around(this, args, () => Reflect.apply(original, this, args));
  };
  Object.defineProperty(owner, name, { value: watched, writable: true, configurable: true });
}

function watchCrypto(owner: object, operations: Readonly<Record<string, string | null>>): void {
  for (const [name, operation] of Object.entries(operations)) {
    watch(owner, name, (_self, args, call) => {
      noteCrypto(operation === null ? name : `${operation} ${String(args[0])}`);
      return call();
    });
  }
}

// With their algorithm those whose first argument it is.
watchCrypto(crypto, {
  hash: "hash",
  createHash: "hash",
  createHmac: "hmac",
  createCipheriv: "seal",
  createDecipheriv: "open",
  sign: null,
  verify: null,
  createSign: null,
  createVerify: null,
  createPrivateKey: null,
  createPublicKey: null,
  createSecretKey: null,
  generateKeyPairSync: null,
  hkdf: null,
  hkdfSync: null,
  pbkdf2: null,
  pbkdf2Sync: null,
  scrypt: null,
  scryptSync: null,
  argon2: null,
  argon2Sync: null,
  randomBytes: null,
  randomFillSync: null,
  randomInt: null,
  randomUUID: null,
});
watchCrypto(Object.getPrototypeOf(crypto.webcrypto.subtle) as object, {
  verify: null,
  sign: null,
  digest: null,
  encrypt: null,
  decrypt: null,
  importKey: null,
  deriveBits: null,
});
syncBuiltinESMExports();

globalThis.URL = new Proxy(URL, {
  construct(target, args, newTarget) {
    party().urls++;
    return Reflect.construct(target, args, newTarget) as object;
  },
});

const databases = new WeakMap<object, DatabaseSync>();
const originalPrepare = DatabaseSync.prototype.prepare;
const originalGet = StatementSync.prototype.get;

watch(DatabaseSync.prototype, "prepare", (self, _args, call) => {
  const statement = call() as object;
  databases.set(statement, self as DatabaseSync);
  return statement;
});
watch(DatabaseSync.prototype, "exec", (self, [text], call) => {
  noteSql(text === "COMMIT" ? `COMMIT, ${whereItGoes(self as DatabaseSync)}` : String(text));
  return call();
});
for (const name of ["get", "all", "run", "iterate"]) {
  watch(StatementSync.prototype, name, (self, _args, call) => {
    const { sourceSQL } = self as StatementSync;
    const database = databases.get(self as object);
    // A prepared BEGIN and ROLLBACK are those of a snapshot that is read from.
    const writes = !/^\s*(SELECT|BEGIN|ROLLBACK)\b/i.test(sourceSQL);
    const commits = writes && database?.isTransaction === false;
    noteSql(`${labelOf(sourceSQL)}${commits ? `, ${whereItGoes(database)}` : ""}`);
    return call();
  });
}

/** Where a commit on this connection will be when it is answered: flushed to disk, or in the log that outlives the process alone. */
function whereItGoes(database: DatabaseSync): string {
  const pragma = originalPrepare.call(database, "PRAGMA synchronous");
  const { synchronous } = Reflect.apply(originalGet, pragma, []) as { synchronous: number };
  return synchronous >= 2 ? "on disk" : "in the log";
}

function noteSql(label: string): void {
  party().sql.push(label);
}

/** "UPDATE sessions" of such a statement. */
function labelOf(text: string): string {
  const verb = /^\s*(\w+)/.exec(text)?.[1] ?? "";
  const table = /\b(?:FROM|INTO|UPDATE)\s+(?:\w+\.)?(\w+)/.exec(text)?.[1];
  return table === undefined ? verb : `${verb} ${table}`;
}

watch(pg.Client.prototype, "query", (_self, [asked], call) => {
  const { name, text } = Object(asked) as { name?: string; text?: string };
  noteSql(name ?? labelOf(text ?? String(asked)));
  return call();
});
// The extended protocol is answered at each Sync, the simple one at each Query.
for (const name of ["sync", "query"]) {
  watch(pg.Connection.prototype, name, (_self, _args, call) => {
    party().roundTrips++;
    return call();
  });
}
