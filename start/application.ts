/** One of the two applications as a node runs it: its sessions, its database, the address it listens on. */
import { createSessions, type Sessions } from "@latchkey/session";
import * as forum from "forum";
import * as store from "store";
import { type Building, ownDatabase } from "./building.ts";
import demo from "./demo.kickstart.json" with { type: "json" };
import type { Environment, Part } from "./environment.ts";
import { lifetimeOptions } from "./lifetimes.ts";
import { type Handler, listen } from "./listen.ts";
import { connect, type Provider, type ProviderConnection } from "./provider.ts";
import { sessionStore } from "./session-store.ts";
import { webhookOrigin } from "./webhooks.ts";

/** An application that is put together. */
export interface Application {
  readonly part: Part;
  readonly origin: string;
  readonly sessions: Sessions;
  /** Sets it up at the provider; throws SetUpError if that can't be done now. */
  setUp(): Promise<void>;
  /** Listens; throws EnvironmentError if that can't be. */
  listen(): Promise<void>;
}

const parts = {
  store: { module: store, id: demo.variables.storeId, webhookId: demo.variables.storeWebhookId },
  forum: { module: forum, id: demo.variables.forumId, webhookId: demo.variables.forumWebhookId },
};

/** Puts an application together; nothing is asked of the provider before `setUp`. */
export async function buildApplication(
  building: Building,
  part: Part,
  provider: Provider,
): Promise<Application> {
  const { environment, node, open } = building;
  const { module } = parts[part];
  const origin = environment.origins[part] ?? `http://${part}.localhost:${environment.ports[part]}`;
  const { options: identityProvider, setUp } = connectionOf(environment, part, provider);
  const sessions = createSessions({
    application: part,
    origin,
    identityProvider,
    cookieKeys: cookieKeys(building, part),
    store: await sessionStore(environment, part),
    publicPaths: module.publicPaths,
    afterSignIn: module.afterSignIn,
    webhookPath: module.webhookPath,
    page: module.page,
    workflow: environment.workflow,
    policy: environment.policy,
    lifetimes: lifetimeOptions(environment),
    ...(building.now && { now: building.now }),
  });
  open.defer(() => sessions.close());
  const handler = await handlerOf(building, part, { sessions, origin });
  const variable = part === "store" ? "STORE_PORT" : "FORUM_PORT";
  const listening = { variable, host: environment.host, port: environment.ports[part], handler, node };
  return { part, origin, sessions, setUp, listen: () => listen(listening, open) };
}

/** An application's way to its provider. */
export function connectionOf(environment: Environment, part: Part, provider: Provider): ProviderConnection {
  const { id, webhookId, module } = parts[part];
  const toldAt = webhookOrigin(environment, part);
  return connect(provider, environment, {
    name: part,
    id,
    clientSecret: environment.clientSecrets[part] ?? null,
    webhook: toldAt === null ? null : { id: webhookId, url: `${toldAt}${module.webhookPath}` },
  });
}

function cookieKeys({ environment, secrets }: Building, part: Part): NonNullable<Environment["cookieKeys"]> {
  const own = { store: secrets.storeCookieKey, forum: secrets.forumCookieKey };
  return environment.cookieKeys ?? [{ id: "1", secret: own[part] }];
}

/** The application itself. It gets no secret, and nothing to close. */
async function handlerOf(
  building: Building,
  part: Part,
  own: { readonly sessions: Sessions; readonly origin: string },
): Promise<Handler> {
  const { environment, node, open, now, onError } = building;
  const options = {
    ...own,
    database: ownDatabase(building, part),
    trustedProxies: environment.trustedProxies,
    isReady: () => node.phase === "ready",
    ...(now && { now }),
    ...(onError && { onError }),
  };
  if (part === "store") {
    const app = await store.createStore(options);
    open.defer(() => app.close());
    await app.ready();
    return (request, response) => app.routing(request, response);
  }
  const { app, close } = forum.createForum(options);
  open.defer(close);
  return app as Handler;
}
