// `npm start` and the provider's program as processes, for tests: run in folders of their own, ended after each test, what they print
// handed to the leak watch.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect } from "vitest";
import { freePorts } from "./free-ports.ts";
import { printed, secret } from "./leak-watch.ts";

export const root = join(import.meta.dirname, "..");
const directories: string[] = [];
const processes: ChildProcess[] = [];

afterEach(() => {
  for (const each of processes.splice(0)) each.kill("SIGKILL");
});
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "latchkey-start-"));
  directories.push(directory);
  return directory;
}

/** For `expect.poll`. */
export const patient = { timeout: 10_000 };

/** What is printed on purpose; the leak watch gets the rest. */
export const demoAccounts = [
  "ada@example.com    notes on the analytical engine",
  "grace@example.com  first actual case of bug found",
];

export interface Run {
  readonly child: ChildProcess;
  /** Resolves with all output when the program says that it is ready, or when the process has ended. */
  readonly settled: Promise<string>;
  readonly ended: Promise<{ code: number | null; output: string }>;
  /** What it has printed so far. */
  output(): string;
}

export function start(environment: Record<string, string>): Run {
  return run("start.ts", /^ready.*\n$/m, environment);
}

export function run(
  program: string,
  ready: RegExp,
  environment: Record<string, string>,
  more: string[] = [],
): Run {
  const env = { PATH: process.env["PATH"] ?? "", ...environment };
  const args = ["--conditions=latchkey-source", program, ...more];
  const child = spawn(process.execPath, args, { cwd: root, env });
  processes.push(child);
  let output = "";
  const settled = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<{ code: number | null; output: string }>();
  const read = (chunk: Buffer) => {
    output += chunk.toString();
    if (ready.test(output)) settled.resolve(output);
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  child.on("close", (code) => {
    printed(demoAccounts.reduce((text, account) => text.replace(account, ""), output));
    settled.resolve(output);
    ended.resolve({ code, output });
  });
  return { child, settled: settled.promise, ended: ended.promise, output: () => output };
}

export type Ports = Record<"STORE_PORT" | "FORUM_PORT" | "IDP_PORT" | "OUTBOX_PORT", string>;

export async function ports(): Promise<Ports> {
  const [store, forum, idp, outbox] = (await freePorts(4)).map(String);
  return { STORE_PORT: store ?? "", FORUM_PORT: forum ?? "", IDP_PORT: idp ?? "", OUTBOX_PORT: outbox ?? "" };
}

/** What a node says of itself: status, body, Cache-Control, and the cookies it sets. */
export async function answered(
  port: string,
  path: string,
): Promise<[number, unknown, string | null, string[]]> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie: "session=x" } });
  const { status, headers } = answer;
  return [status, await answer.json(), headers.get("cache-control"), headers.getSetCookie()];
}

export interface Site {
  readonly host: string;
  readonly url: string;
  /** Where browsers see it, if not at `host` without TLS. */
  readonly origin?: string;
}

/** Node resolves no names under localhost: it goes to the address, and names the host. */
export function site(name: "store" | "forum", port: string): Site {
  return { host: `${name}.localhost:${port}`, url: `http://127.0.0.1:${port}` };
}

/** Signs Ada in without a browser: the form's token and cookie, then the posted form. Returns a Cookie header. */
export async function signInByHand({ host, url, origin = `http://${host}` }: Site): Promise<string> {
  const form = await fetch(`${url}/login`, { headers: { host } });
  const token = /name="form-token"\s+value="([^"]+)"/.exec(await form.text())?.[1] ?? "";
  const body = new URLSearchParams({
    email: "ada@example.com",
    password: secret("notes on the analytical engine"),
    "form-token": token,
  });
  const headers = { host, origin, cookie: cookieHeader(form) };
  const answer = await fetch(`${url}/login`, { method: "POST", body, headers, redirect: "manual" });
  expect(answer.status).toBe(302);
  return cookieHeader(answer);
}

function cookieHeader(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}
