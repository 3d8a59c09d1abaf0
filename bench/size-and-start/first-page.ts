// From starting the system to the Store's first page: a new process and an empty data folder each time, on all cores, as a newcomer has it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "../../test/free-ports.ts";

const root = join(import.meta.dirname, "../..");

/** Milliseconds between two tries, and after which it is given up. */
const pause = 10;
const patience = 60_000;

/** A way to start it. */
export interface Way {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** As a newcomer does, and without npm. */
export const ways: readonly Way[] = [
  { name: "npm start", command: "npm", args: ["start"] },
  { name: "node start.ts", command: process.execPath, args: ["--conditions=latchkey-source", "start.ts"] },
];

/** Milliseconds from the start of the process to the last byte of the Store's front page; throws where none comes. */
export async function timeToFirstPage({ name, command, args }: Way): Promise<number> {
  const [store = 0, ...others] = (await freePorts(4)).map(String);
  const [FORUM_PORT = "", IDP_PORT = "", OUTBOX_PORT = ""] = others.map(String);
  const folder = mkdtempSync(join(tmpdir(), "latchkey-bench-start-"));
  const { PATH = "", HOME = "" } = process.env;
  const ports = { STORE_PORT: String(store), FORUM_PORT, IDP_PORT, OUTBOX_PORT };
  const begun = performance.now();
  // A group of its own, so that what npm starts ends with it.
  const env = { PATH, HOME, ...ports, DATA_DIR: folder };
  const child = spawn(command, args, { cwd: root, detached: true, stdio: "ignore", env });
  const exited = once(child, "exit");
  try {
    while (!(await isFirstPage(Number(store)))) {
      const isOver = child.exitCode !== null || performance.now() - begun > patience;
      if (isOver) throw new Error(`${name} serves no front page of the Store`);
      await delay(pause);
    }
    return performance.now() - begun;
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether the Store answers its front page, with what it sells. */
function isFirstPage(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { host: `store.localhost:${port}` };
    const asked = request({ host: "127.0.0.1", port, path: "/", headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve(response.statusCode === 200 && text.includes("Add to cart")));
    });
    asked.on("error", () => resolve(false)).end();
  });
}
