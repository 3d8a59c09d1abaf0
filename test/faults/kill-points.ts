// Where a process can be killed: before each write to a store, each call to the provider and each answer that belong to one request, and
// after the answer. After a write is no step of its own: what lasts is then what lasts before the next step, and there is always one. The
// request says at which step, by a header, so that what others do at the same time does not count. Loaded by node.ts alone, before
// anything else.
import { AsyncLocalStorage } from "node:async_hooks";
import { writeSync } from "node:fs";
import { type IncomingMessage, Server, ServerResponse } from "node:http";
import { DatabaseSync, StatementSync } from "node:sqlite";
import type { Client } from "pg";
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
    if (sql === "COMMIT") step("before COMMIT");
    exec.call(this, sql);
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
    if (!databases.get(this)?.isTransaction) step(`before ${nameOf(this.sourceSQL)}`);
    return Reflect.apply(run, this, values) as ReturnType<typeof run>;
  };
}

const postgresWrites = /^\s*(?:commit|(?:with\b.*\b)?(?:insert|update|delete)\b)/is;

async function postgresWritesAreSteps(): Promise<void> {
  const { default: pg } = await import("pg");
  const inTransaction = new WeakSet<object>();
  const query = pg.Client.prototype.query as (...given: unknown[]) => unknown;
  pg.Client.prototype.query = function (this: Client, ...given: unknown[]) {
    const [first] = given;
    const text = typeof first === "string" ? first : String(Reflect.get(Object(first), "text"));
    if (/^\s*begin/i.test(text)) inTransaction.add(this);
    if (/^\s*(?:commit|rollback)/i.test(text)) inTransaction.delete(this);
    // Inside a transaction nothing is written before its COMMIT.
    if (!inTransaction.has(this) && postgresWrites.test(text)) step(`before ${nameOf(text)}`);
    return Reflect.apply(query, this, given);
  } as Client["query"];
}

const redisReads = new Set(["get", "mget", "zrange", "zscan"]);

async function redisWritesAreSteps(): Promise<void> {
  const { Redis } = await import("ioredis");
  const send = Redis.prototype.sendCommand;
  Redis.prototype.sendCommand = function (
    this: InstanceType<typeof Redis>,
    ...given: Parameters<typeof send>
  ) {
    const [{ name }] = given;
    if (!redisReads.has(name)) step(`before ${name.toUpperCase()}`);
    return send.apply(this, given);
  };
}

function nameOf(sql: string): string {
  return sql.trim().replaceAll(/\s+/g, " ").split(" ").slice(0, 3).join(" ");
}

requestsAreDoomed();
sqliteWritesAreSteps();
if (process.argv.includes("postgres")) await postgresWritesAreSteps();
if (process.argv.includes("redis")) await redisWritesAreSteps();
