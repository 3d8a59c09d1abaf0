/**
 * Store and Forum as an attacker finds them: listening, with the company's provider behind them, the routes they really
 * have, and everything an attack could have changed. It judges nothing: the tests beside it do.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as forum from "../../apps/forum/src/index.ts";
import * as store from "../../apps/store/src/index.ts";
import { type PublishedSessionEvent, sessionChannel } from "../../packages/session/src/index.ts";
import { Browser } from "../../packages/session/test/browser.ts";
import { type Company, type Person, startCompany } from "../applications/company.ts";
import { expressRoutes, listFastifyRoutes } from "./routes.ts";

/** One of the two applications. */
export type TargetName = "Store" | "Forum";

/** The application under attack. */
export interface Target extends AsyncDisposable {
  readonly name: TargetName;
  readonly origin: string;
  readonly port: number;
  /** Every route of the running application, as "POST /login". */
  readonly routes: readonly string[];
  readonly company: Company;
  /** What its sessions published so far. */
  readonly events: PublishedSessionEvent[];
  /** Errors that only an operator can mend; an attack must cause none. */
  readonly errors: unknown[];
  /** Every row of every table of the application. */
  rows(): string;
  /** A browser that has been nowhere yet. */
  browser(): Browser;
  /** A browser in which this person is signed in. */
  signedIn(person: Person): Promise<Browser>;
}

/** The origins the matrix runs for: `__Host-` cookies on https, names without prefix on plain-http loopback. */
export const origins: Record<TargetName, readonly string[]> = {
  Store: ["https://store.example.com", "http://store.localhost"],
  Forum: ["https://forum.example.com", "http://forum.localhost"],
};

/** Every target and origin, for `describe.each`. */
export const everyTarget: readonly [TargetName, string][] = (["Store", "Forum"] as const).flatMap((name) =>
  origins[name].map((origin): [TargetName, string] => [name, origin]),
);

/** Starts an application at an origin; a proxy that speaks https is thought of in front of it. */
export async function startTarget(name: TargetName, origin: string): Promise<Target> {
  const open = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "latchkey-matrix-"));
  open.defer(() => rm(folder, { recursive: true }));
  const company = await startCompany();
  open.defer(() => company.close());
  const errors: unknown[] = [];
  const database = join(folder, "application.sqlite");
  const starting = { open, company, origin, database, onError: (error: unknown) => void errors.push(error) };
  const { port, routes } = name === "Store" ? await startStore(starting) : await startForum(starting);
  const beside = new DatabaseSync(database);
  open.defer(() => beside.close());

  const browser = () => new Browser({ origin, port }, { now: Date.now, pass: () => {} });
  return {
    name,
    origin,
    port,
    routes,
    company,
    events: heardEvents(name, open),
    errors,
    rows: () => dump(beside),
    browser,
    async signedIn({ email, password }) {
      const visitor = browser();
      await visitor.get("/login");
      const { status } = await visitor.post("/login", { email, password });
      if (status !== 302) throw new Error(`Signing in was answered ${status}.`);
      return visitor;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

interface Starting {
  readonly open: AsyncDisposableStack;
  readonly company: Company;
  readonly origin: string;
  readonly database: string;
  readonly onError: (error: unknown) => void;
}

interface Started {
  readonly port: number;
  readonly routes: readonly string[];
}

async function startStore({ open, company, origin, database, onError }: Starting): Promise<Started> {
  const { publicPaths, afterSignIn, webhookPath, page } = store;
  const sessions = company.sessionsFor("store", { origin, publicPaths, afterSignIn, webhookPath, page });
  open.defer(() => sessions.close());
  const routes = listFastifyRoutes();
  const app = await store.createStore({ sessions, database, origin, onError });
  open.defer(() => app.close());
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  return { port: Number(new URL(address).port), routes: routes() };
}

async function startForum({ open, company, origin, database, onError }: Starting): Promise<Started> {
  const { publicPaths, afterSignIn, webhookPath, page } = forum;
  const sessions = company.sessionsFor("forum", { origin, publicPaths, afterSignIn, webhookPath, page });
  open.defer(() => sessions.close());
  const { app, close } = forum.createForum({ sessions, database, origin, onError });
  const server = createServer((request, response) => void app(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.defer(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    close();
  });
  const bound = server.address();
  if (typeof bound !== "object" || bound === null) throw new Error("The forum does not listen.");
  return { port: bound.port, routes: expressRoutes(app) };
}

function heardEvents(name: TargetName, open: AsyncDisposableStack): PublishedSessionEvent[] {
  const events: PublishedSessionEvent[] = [];
  const heard = (message: unknown) => {
    const event = message as PublishedSessionEvent;
    // That the store was asked something, or the provider how it is, is no harm.
    const isLook = event.type === "store-called" || ("call" in event && event.call === "GET /api/status");
    if (event.application === name.toLowerCase() && !isLook) events.push(event);
  };
  subscribe(sessionChannel, heard);
  open.defer(() => void unsubscribe(sessionChannel, heard));
  return events;
}

function dump(database: DatabaseSync): string {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  return tables
    .map(({ name }) => JSON.stringify([name, database.prepare(`SELECT * FROM "${String(name)}"`).all()]))
    .join("\n");
}
