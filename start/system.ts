/**
 * The whole system in one process, or one node of it: the embedded provider unless another is named, and the applications
 * with the library between. The provider's `fetch` is all the applications get of it; a provider elsewhere is another
 * address and nothing more.
 */
import { accessSync, constants, mkdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Sessions } from "@latchkey/session";
import { type Application, buildApplication, connectionOf } from "./application.ts";
import type { Building, Seams } from "./building.ts";
import { startEmbeddedProvider } from "./embedded-provider.ts";
import type { Environment, Part } from "./environment.ts";
import { EnvironmentError, SetUpError } from "./errors.ts";
import type { Node } from "./listen.ts";
import { installationSecrets } from "./secrets.ts";
import { attempt, repeatUntilDone } from "./set-up.ts";

/** A running system. */
export interface System {
  /** Of the parts that run here; `outbox` is `null` where mail really goes out, or is another's business. */
  readonly origins: { readonly [part in Part]?: string } & {
    readonly idp: string;
    readonly outbox: string | null;
  };
  readonly lifetimes: Sessions["lifetimes"];
  /** Resolves when everything this node needs is set up: with `false` if the system was closed before. */
  readonly ready: Promise<boolean>;
  /** Leaves as a node behind a proxy does: serves on for `DRAIN_SECONDS`, sends who comes then to other nodes, and closes. */
  leave(): Promise<void>;
  /** Stops listening, lets running requests finish, closes all databases. */
  close(): Promise<void>;
}

/**
 * Builds everything and listens; throws, with nothing left open, if a part can't start. With the embedded provider it is ready
 * then; with another it is `ready` when that one could be asked.
 */
export async function startSystem(environment: Environment, seams: Seams = {}): Promise<System> {
  makeDataDirectory(environment);
  const secrets = installationSecrets(environment.dataDirectory);
  const open = new AsyncDisposableStack();
  const node: Node = { phase: "starting" };
  const building = { ...seams, environment, secrets, node, open };
  try {
    const provider = environment.provider ?? (await startEmbeddedProvider(building));
    const applications: Application[] = [];
    for (const part of environment.parts) applications.push(await buildApplication(building, part, provider));
    const [first] = applications;
    if (first === undefined) throw new EnvironmentError("PARTS", "names no application");
    const { ready } = await whenSetUp(building, applications);
    return {
      origins: {
        ...Object.fromEntries(applications.map(({ part, origin }) => [part, origin])),
        idp: provider.url,
        outbox: hasOutbox(environment) ? `http://outbox.localhost:${environment.ports.outbox}` : null,
      },
      lifetimes: first.sessions.lifetimes,
      ready,
      leave: () => leave(building),
      close: () => open.disposeAsync(),
    };
  } catch (error) {
    await open.disposeAsync();
    throw error;
  }
}

/**
 * Sets the applications up at the provider elsewhere, whatever client secrets are configured, for nodes whose own API key may
 * not; throws EnvironmentError where there is no such provider.
 */
export async function setUpAlone(environment: Environment, { onWaiting = () => {} }: Seams): Promise<void> {
  const { provider, parts } = environment;
  if (provider === null) throw new EnvironmentError("IDP_URL", "is needed for --set-up");
  const connections = parts.map((part) =>
    connectionOf({ ...environment, clientSecrets: {} }, part, provider),
  );
  const setUp = async () => {
    for (const each of connections) await each.setUp();
  };
  const { signal } = new AbortController();
  await repeatUntilDone(setUp, await attempt(setUp), { signal, report: onWaiting });
}

function makeDataDirectory({ dataDirectory }: Environment): void {
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    accessSync(dataDirectory, constants.W_OK);
  } catch {
    throw new EnvironmentError("DATA_DIR", `"${dataDirectory}" is no folder that can be written to`);
  }
}

/**
 * Tries once, and listens then: a node that can work is not asked for anything before it does, and one that can't yet serves what needs no
 * provider, and tries again.
 */
async function whenSetUp(
  { environment, node, open, onWaiting = () => {} }: Building,
  applications: readonly Application[],
): Promise<{ ready: Promise<boolean> }> {
  const settings = async () => {
    for (const each of applications) await each.setUp();
  };
  // What is embedded is there, or is broken: nothing is gained by waiting.
  if (environment.provider === null) await settings();
  const setUp = async () => {
    await settings();
    for (const { sessions } of applications) await requireAnswers(sessions);
    if (node.phase === "starting") node.phase = "ready";
  };
  const problem = await attempt(setUp);
  for (const each of applications) await each.listen();
  const stopped = new AbortController();
  open.defer(() => stopped.abort());
  return { ready: repeatUntilDone(setUp, problem, { signal: stopped.signal, report: onWaiting }) };
}

async function requireAnswers(sessions: Sessions): Promise<void> {
  const { store, provider } = await sessions.status();
  if (store === "down") throw new SetUpError("SESSION_STORE: does not answer");
  if (provider === "down") throw new SetUpError("IDP_URL: does not answer");
}

/** Milliseconds in which a proxy has sent something here, and been sent elsewhere, if there is anything to be sent. */
const timeToBeLeft = 1_000;

async function leave({ environment, node, open }: Building): Promise<void> {
  node.phase = "draining";
  if (environment.drain > 0) {
    await delay(environment.drain);
    node.phase = "leaving";
    await delay(timeToBeLeft);
  }
  await open.disposeAsync();
}

function hasOutbox({ provider, mail }: Environment): boolean {
  return provider === null && mail.smtp === null;
}
