/**
 * One node of an application in a process of its own, for processes.test.ts: told by its parent over IPC what to be and what
 * time it is, it listens on a free port and says which. It ends when its parent lets go of it.
 */
import { type SessionsOptions, createSessions, sqliteStore } from "../src/index.ts";
import { listen } from "./frameworks.ts";
import { publicPaths } from "./pages.ts";

/** What a node is told: first all of `start`, then the time, again and again. */
export interface Told {
  readonly start?: Pick<SessionsOptions, "origin" | "identityProvider" | "cookieKeys"> & {
    readonly database: string;
  };
  /** Epoch milliseconds; the node's clock stands still between two of these. */
  readonly now: number;
}

/** What a node says: its port once it listens, 0 when it knows the new time. */
export type Said = number;

let now = 0;

async function startNode({ database, ...options }: NonNullable<Told["start"]>): Promise<number> {
  const listener = await listen("Fastify", { gate: () => null });
  const store = sqliteStore({ path: database });
  const sessions = createSessions({
    application: "store",
    publicPaths,
    afterSignIn: "/shopping-cart",
    store,
    now: () => now,
    ...options,
  });
  await listener.mount(sessions);
  process.once("disconnect", () => {
    void Promise.all([listener.close(), sessions.close()]).then(() => process.exit(0));
  });
  return listener.port;
}

process.on("message", (told: Told) => {
  now = told.now;
  if (told.start === undefined) process.send?.(0);
  else void startNode(told.start).then((port) => process.send?.(port));
});
