// Where a process can be killed: before and after each write to a store, each call to the provider and each answer that belong to
// one request. The request says at which of them, by a header, so that what others do at the same time does not count. Loaded by node.ts
// alone, before anything else.
import { AsyncLocalStorage } from "node:async_hooks";
import { writeSync } from "node:fs";
import { type IncomingMessage, Server, ServerResponse } from "node:http";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { Redis } from "ioredis";
import pg from "pg";
import { killHere, killProvider } from "./kill-headers.ts";

interface Doomed {
  /** Steps still to live; 0 where this process is not the one to die. */
  left: number;
  readonly killProviderAt: string | undefined;
}

const doomed = new AsyncLocalStorage<Doomed>();

/** The next request to a path that is killed at its nth step: for one that can't be given a header, because another process makes it. */
let planned: { readonly path: string; readonly at: number } | null = null;

/** Plans that; `null` plans nothing any more. */
export function plan(next: typeof planned): void {
  planned = next;
}

/** What a call to the provider takes along, so that it dies in the provider's process. */
export function headersForProvider(): Record<string, string> {
  const at = doomed.getStore()?.killProviderAt;
  return at === undefined ? {} : { [killHere]: at };
}

/** Takes a step: the last one of a doomed request is the end of the process, which says where. */
export function step(where: string): void {
  const request = doomed.getStore();
  if (request === undefined || request.left === 0 || --request.left > 0) return;
  writeSync(1, `killed ${where}\n`);
  process.kill(process.pid, "SIGKILL");
}

/** The steps around a call. */
export async function around<T>(what: string, call: () => Promise<T>): Promise<T> {
  step(`before ${what}`);
  const result = await call();
  step(`after ${what}`);
  return result;
}

function requestsAreDoomed(): void {
  const emit = Server.prototype.emit;
  Server.prototype.emit = function (this: Server, event: string, ...rest: unknown[]) {
    const [request] = rest as [IncomingMessage];
    const next = () => Reflect.apply(emit, this, [event, ...rest]) as boolean;
    if (event !== "request") return next();
    const left = Number(request.headers[killHere] ?? atOf(request));
    const killProviderAt = request.headers[killProvider]?.toString();
    return left > 0 || killProviderAt !== undefined ? doomed.run({ left, killProviderAt }, next) : next();
  };
  const end = ServerResponse.prototype.end;
  ServerResponse.prototype.end = function (this: ServerResponse, ...given: unknown[]) {
    step("before the answer");
    // Handed to the system: the other end gets it whatever becomes of this process.
    this.once("finish", () => step("after the answer"));
    return Reflect.apply(end, this, given) as ServerResponse;
  } as typeof end;
}

function atOf({ url }: IncomingMessage): number {
  if (planned === null || url !== planned.path) return 0;
  const { at } = planned;
  planned = null;
  return at;
}

function sqliteWritesAreSteps(): void {
  const exec = DatabaseSync.prototype.exec;
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    if (sql !== "COMMIT") return exec.call(this, sql);
    step("before COMMIT");
    exec.call(this, sql);
    step("after COMMIT");
  };
  const databases = new WeakMap<StatementSync, DatabaseSync>();
  const prepare = DatabaseSync.prototype.prepare;
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, ...given) {
    const statement = prepare.apply(this, given);
    databases.set(statement, this);
    return statement;
  };
  const run = StatementSync.prototype.run;
  StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
    // Inside a transaction nothing is written before its COMMIT.
    const what = databases.get(this)?.isTransaction ? null : nameOf(this.sourceSQL);
    if (what !== null) step(`before ${what}`);
    const result = Reflect.apply(run, this, values) as ReturnType<typeof run>;
    if (what !== null) step(`after ${what}`);
    return result;
  };
}

function postgresWritesAreSteps(): void {
  const query = pg.Client.prototype.query as (...given: unknown[]) => unknown;
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const [first] = given;
    const text = typeof first === "string" ? first : String(Reflect.get(Object(first), "text"));
    if (!/^\s*(insert|update|delete|with|commit)/i.test(text)) return Reflect.apply(query, this, given);
    const what = nameOf(text);
    step(`before ${what}`);
    const callback = given.at(-1);
    if (typeof callback !== "function") {
      const answer = Reflect.apply(query, this, given) as Promise<unknown>;
      return answer.then((result) => (step(`after ${what}`), result));
    }
    const inRequest = AsyncLocalStorage.bind((...answer: unknown[]) => {
      step(`after ${what}`);
      Reflect.apply(callback, null, answer);
    });
    return Reflect.apply(query, this, [...given.slice(0, -1), inRequest]);
  } as typeof pg.Client.prototype.query;
}

function redisWritesAreSteps(): void {
  const send = Redis.prototype.sendCommand;
  Redis.prototype.sendCommand = function (this: Redis, ...given: Parameters<typeof send>) {
    const [command] = given;
    const what = command.name.toUpperCase();
    step(`before ${what}`);
    const answer = Reflect.apply(send, this, given) as Promise<unknown>;
    // Registered first, so that it comes before whatever waits for the answer.
    command.promise.then(
      AsyncLocalStorage.bind(() => step(`after ${what}`)),
      () => undefined,
    );
    return answer;
  };
}

function nameOf(sql: string): string {
  return sql.trim().replaceAll(/\s+/g, " ").split(" ").slice(0, 3).join(" ");
}

requestsAreDoomed();
sqliteWritesAreSteps();
postgresWritesAreSteps();
redisWritesAreSteps();
