/** An application of the history: the real session library on two processes over one store that outlives them. */
import { randomBytes } from "node:crypto";
import {
  createSessions,
  type Sessions,
  type SessionStore,
  type Workflow,
} from "../../packages/session/src/index.ts";
import { apiKey, applicationIds, clientSecret, issuer, type ModelProvider } from "./provider.ts";
import type { Steps } from "./steps.ts";

/** One process. */
export interface Process {
  readonly sessions: Sessions;
  readonly step: () => Promise<void>;
}

/** One application. */
export interface Application {
  readonly renews: boolean;
  /** A process; started when it is first needed. */
  process(index: 0 | 1): Process;
  /** Ends a process in the middle of whatever it does; another one takes its place. */
  restart(index: 0 | 1): void;
  close(): Promise<void>;
}

const cookieKeys = [{ id: "a", secret: randomBytes(32).toString("base64url") }];

export function application(
  index: number,
  workflow: Workflow,
  provider: ModelProvider,
  steps: Steps,
): Application {
  const name = index === 0 ? "store" : "forum";
  const { stores } = provider;
  const store = stores.open(name);
  const started: Sessions[] = [];

  const start = (): Process => {
    const step = steps.ofProcess();
    const sessions = createSessions({
      application: name,
      origin: `http://${name}.localhost`,
      identityProvider: {
        url: issuer,
        issuer,
        applicationId: applicationIds[index] ?? "",
        apiKey,
        clientSecret,
        deadline: 20_000,
        async fetch(request) {
          await step();
          const response = await steps.outside(() => provider.fetch(request));
          await step();
          return response;
        },
      },
      cookieKeys,
      store: stepped(store, step, stores.areElsewhere ? steps.outside : (call) => call()),
      // A request waits at its steps for as long as the history likes.
      storeDeadline: "60s",
      publicPaths: [],
      workflow,
      now: provider.now,
    });
    started.push(sessions);
    return { sessions, step };
  };

  const processes: [Process | null, Process | null] = [null, null];
  return {
    renews: workflow === "sessions+refresh-tokens",
    process: (which) => (processes[which] ??= start()),
    restart(which) {
      const died = processes[which];
      if (died !== null) steps.forget(died.step);
      processes[which] = null;
    },
    async close() {
      for (const sessions of started) await sessions.close();
    },
  };
}

/** The same store, before each call of which a request takes a step. */
function stepped(store: SessionStore, step: () => Promise<void>, outside: Steps["outside"]): SessionStore {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function" || name === "close") return method;
      return async (...args: unknown[]) => {
        await step();
        return outside(async () => Reflect.apply(method, target, args));
      };
    },
  });
}
