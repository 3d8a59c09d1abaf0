/**
 * The whole system in one process: the provider, and both applications with the library between. The provider's `fetch`
 * is all the applications get of it; a provider elsewhere is another address and nothing more.
 */
import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { createIdp, type MailConfig, parseKickstart } from "@latchkey/idp";
import { createSessions, type Sessions, sqliteStore } from "@latchkey/session";
import * as forum from "forum";
import * as store from "store";
import demo from "./demo.kickstart.json" with { type: "json" };
import { type Environment, EnvironmentError } from "./environment.ts";
import { lifetimeOptions } from "./lifetimes.ts";
import { type Handler, listen } from "./listen.ts";
import { createOutbox } from "./outbox.ts";
import { type Provider, registeredApplication } from "./provider.ts";
import { installationSecrets, type Secrets } from "./secrets.ts";
import { registerWebhook } from "./webhooks.ts";

/** A running system. */
export interface System {
  readonly origins: {
    readonly store: string;
    readonly forum: string;
    readonly idp: string;
    /** `null` where mail really goes out. */
    readonly outbox: string | null;
  };
  readonly lifetimes: Sessions["lifetimes"];
  /** Stops listening, lets running requests finish, closes all databases. */
  close(): Promise<void>;
}

/** What the caller may put in place of the real thing, and hear of. */
export interface Seams {
  readonly now?: () => number;
  /** Gets what an application could not handle: its visitor saw a page without details. */
  readonly onError?: (error: unknown) => void;
}

interface Building extends Seams {
  readonly environment: Environment;
  readonly secrets: Secrets;
  /** What has to be closed, in the opposite order. */
  readonly open: AsyncDisposableStack;
}

const applications = {
  store: { id: demo.variables.storeId, webhookId: demo.variables.storeWebhookId, module: store },
  forum: { id: demo.variables.forumId, webhookId: demo.variables.forumWebhookId, module: forum },
};

/** Builds everything and listens on loopback; throws, with nothing left open, if a part can't start. */
export async function startSystem(environment: Environment, seams: Seams = {}): Promise<System> {
  makeDataDirectory(environment);
  const secrets = installationSecrets(environment.dataDirectory);
  const open = new AsyncDisposableStack();
  const building = { ...seams, environment, secrets, open };
  try {
    const provider = environment.provider ?? (await startProvider(building));
    const storeSessions = await startStore(building, provider);
    await startForum(building, provider);
    return {
      origins: {
        store: origin(environment, "store"),
        forum: origin(environment, "forum"),
        idp: provider.url,
        outbox: hasOutbox(environment) ? `http://outbox.localhost:${environment.ports.outbox}` : null,
      },
      lifetimes: storeSessions.lifetimes,
      close: () => open.disposeAsync(),
    };
  } catch (error) {
    await open.disposeAsync();
    throw error;
  }
}

function makeDataDirectory({ dataDirectory }: Environment): void {
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    accessSync(dataDirectory, constants.W_OK);
  } catch {
    throw new EnvironmentError("DATA_DIR", `"${dataDirectory}" is no folder that can be written to`);
  }
}

async function startProvider(building: Building): Promise<Provider> {
  const { environment, secrets, open, now } = building;
  const url = `http://localhost:${environment.ports.idp}`;
  const variables = {
    API_KEY: secrets.apiKey,
    STORE_CLIENT_SECRET: secrets.storeClientSecret,
    FORUM_CLIENT_SECRET: secrets.forumClientSecret,
  };
  const idp = await createIdp({
    database: file(environment, "idp"),
    issuer: url,
    keys: [{ id: "1", secret: secrets.idpKey }],
    kickstart: parseKickstart(demo, variables),
    mail: await startMail(building),
    ...(now && { now }),
  });
  open.defer(() => idp.close());
  // Guesses without an API key are counted by where they come from.
  const answer = getRequestListener((request, { incoming }) =>
    idp.fetch(request, { address: incoming.socket.remoteAddress }),
  );
  await listen("IDP_PORT", environment.ports.idp, answer, open);
  const provider = { url, apiKey: secrets.apiKey, fetch: (request: Request) => idp.fetch(request) };
  for (const name of ["store", "forum"] as const) {
    const { webhookId: id, module } = applications[name];
    const port = environment.ports[name];
    await registerWebhook(provider, { id, name, port, path: module.webhookPath });
  }
  return provider;
}

/** Where the provider's mail goes: to a server, or else to a page that shows it. */
async function startMail({ environment, open, now = Date.now }: Building): Promise<MailConfig> {
  const { from, smtp } = environment.mail;
  if (smtp !== null) return { from, smtp };
  const outbox = createOutbox(environment.ports.outbox, now);
  await listen("OUTBOX_PORT", environment.ports.outbox, outbox.answer, open);
  return { from, send: outbox.send };
}

function hasOutbox({ provider, mail }: Environment): boolean {
  return provider === null && mail.smtp === null;
}

async function startStore(building: Building, provider: Provider): Promise<Sessions> {
  const { environment, secrets, open } = building;
  const { port, origin, sessions } = await openSessions(building, provider, "store", secrets.storeCookieKey);
  const app = await store.createStore({
    ...seamsOf(building),
    sessions,
    origin,
    database: file(environment, "store"),
  });
  open.defer(() => app.close());
  await app.ready();
  await listen("STORE_PORT", port, (request, response) => app.routing(request, response), open);
  return sessions;
}

async function startForum(building: Building, provider: Provider): Promise<void> {
  const { environment, secrets, open } = building;
  const { port, origin, sessions } = await openSessions(building, provider, "forum", secrets.forumCookieKey);
  const { app, close } = forum.createForum({
    ...seamsOf(building),
    sessions,
    origin,
    database: file(environment, "forum"),
  });
  open.defer(close);
  await listen("FORUM_PORT", port, app as Handler, open);
}

async function openSessions(
  building: Building,
  provider: Provider,
  name: "store" | "forum",
  cookieKey: string,
) {
  const { environment, open, now } = building;
  const { id, module } = applications[name];
  const identityProvider = await registeredApplication(provider, environment, id);
  const sessions = createSessions({
    application: name,
    origin: origin(environment, name),
    identityProvider,
    cookieKeys: [{ id: "1", secret: cookieKey }],
    store: sqliteStore({ path: file(environment, `${name}-sessions`) }),
    publicPaths: module.publicPaths,
    afterSignIn: module.afterSignIn,
    webhookPath: module.webhookPath,
    page: module.page,
    workflow: environment.workflow,
    policy: environment.policy,
    lifetimes: lifetimeOptions(environment),
    ...(now && { now }),
  });
  open.defer(() => sessions.close());
  return { sessions, origin: origin(environment, name), port: environment.ports[name] };
}

/** What an application gets of all this: no secret, and nothing to close. */
function seamsOf({ environment, now, onError }: Building): Seams & { behindProxy: boolean } {
  const { behindProxy } = environment;
  return { behindProxy, ...(now && { now }), ...(onError && { onError }) };
}

function origin({ origins, ports }: Environment, name: "store" | "forum"): string {
  return origins[name] ?? `http://${name}.localhost:${ports[name]}`;
}

function file({ dataDirectory }: Environment, name: string): string {
  return join(dataDirectory, `${name}.sqlite`);
}
