// Several nodes of the provider on one database, each a process of its own as in production, reached over HTTP.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { afterAll } from "vitest";
import { type Answer, API_KEY, ISSUER, KEYS, onPostgres } from "./idp.ts";

/** What came back, and the JSON of it. */
export interface NodeAnswer {
  status: number;
  retryAfter: string | null;
  body: Answer["body"];
}

/** A node that runs until the test file ends. */
export interface Node {
  /** Sends a request; once more where it was answered 503, after which nothing was changed. */
  call(method: string, path: string, json?: object): Promise<NodeAnswer>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<unknown>;
}

const running: ChildProcess[] = [];
afterAll(async () => {
  await Promise.all(running.splice(0).map(ended));
});

function ended(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  child.kill("SIGKILL");
  return once(child, "exit");
}

/** Starts so many nodes on this database. */
export function startNodes(database: string, count: number): Promise<Node[]> {
  return Promise.all(Array.from({ length: count }, () => startNode(database)));
}

async function startNode(database: string): Promise<Node> {
  const keys = KEYS.map(({ id, secret }) => `${id}:${secret}`).join();
  const where = onPostgres ? { DATABASE_URL: database } : { DATABASE: database };
  const env = { PATH: process.env["PATH"], PORT: "0", ISSUER, KEYS: keys, LOG_LEVEL: "error", ...where };
  const main = join(import.meta.dirname, "../src/main.ts");
  const child = spawn(process.execPath, ["--conditions=latchkey-source", main], { env, stdio: "pipe" });
  running.push(child);
  for await (const line of createInterface(child.stdout)) {
    const url = /listens on (http:\S+?),/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    child.stderr.resume();
    return { call: (...request) => call(url, ...request), kill: () => ended(child) };
  }
  throw new Error("The node did not start");
}

async function call(url: string, method: string, path: string, json?: object): Promise<NodeAnswer> {
  const headers = { authorization: API_KEY, "content-type": "application/json" };
  for (;;) {
    const body = json === undefined ? null : JSON.stringify(json);
    const response = await fetch(`${url}${path}`, { method, headers, body });
    const text = await response.text();
    const { status } = response;
    // On a busy machine the database was locked, or the hashing queue full, for too long.
    if (status === 503) continue;
    const isJson = text.startsWith("{");
    return {
      status,
      retryAfter: response.headers.get("retry-after"),
      body: isJson ? JSON.parse(text) : undefined,
    };
  }
}
