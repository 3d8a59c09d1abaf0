// A process that is started again, by what it was told before, as soon as it has died. The next one stands by with everything
// loaded, as the second node of a real system would.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { printed } from "../leak-watch.ts";
import type { Role, Told } from "./node.ts";

/** A process and those that take its place. */
export interface Standing {
  /** Where each was killed, so far. */
  readonly deaths: readonly string[];
  tell(told: Told): Promise<void>;
  /** Resolves once the process that took the place of a dead one listens; at once while none has died. */
  standing(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a process in that role; `now` is asked for the time whenever one starts. */
export async function keepStanding(role: Role, now: () => number): Promise<Standing> {
  const deaths: string[] = [];
  let stopped = false;
  let next = spawn(role, deaths);
  let current = next;
  let risen = rise();

  async function rise(): Promise<void> {
    current = next;
    next = spawn(role, deaths);
    current.once("exit", () => {
      if (!stopped) risen = rise();
    });
    await ask(current, { start: role, now: now() });
  }

  await risen;
  return {
    deaths,
    standing: () => risen,
    async tell(told) {
      await risen;
      await ask(current, told);
    },
    async stop() {
      stopped = true;
      await risen.catch(() => undefined);
      await Promise.all([current, next].map(end));
    },
  };
}

function spawn(role: Role, deaths: string[]): ChildProcess {
  const child = fork(join(import.meta.dirname, "node.ts"), [role.role, serverOf(role)], {
    execArgv: ["--conditions=latchkey-source"],
    silent: true,
    // Two hundred processes that load the same modules: half of what each costs.
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: join(import.meta.dirname, "../../node_modules/.cache/latchkey/compiled"),
    },
  });
  let said = "";
  child.stdout?.on("data", (chunk) => {
    said += printed(String(chunk));
    const where = /killed (.*)\n/.exec(said)?.[1];
    if (where === undefined) return;
    said = "";
    deaths.push(where);
  });
  child.stderr?.on("data", (chunk) => process.stderr.write(printed(String(chunk))));
  return child;
}

/** "postgres" or "redis", if one of those has its data. */
function serverOf(role: Role): string {
  return new URL(role.role === "provider" ? role.database : role.store, "file:").protocol.slice(0, -1);
}

/** Rejects where the process dies first, or says that it could not. */
async function ask(child: ChildProcess, told: Told): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) throw new Error("the process is dead");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const heard = (answer: unknown) => (answer === "done" ? resolve() : reject(new Error(String(answer))));
  const died = () => reject(new Error("the process has died"));
  child.once("message", heard).once("exit", died);
  try {
    child.send(told, (error) => error && reject(error));
    await promise;
  } finally {
    child.off("message", heard).off("exit", died);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
