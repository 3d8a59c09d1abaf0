/**
 * The forum, on Express. This file puts the parts together and says in which order a request meets them; it does not
 * listen, and it does not know where users are kept: `sessions` does.
 */
import type { Sessions } from "@latchkey/session";
import { latchkey } from "@latchkey/session/express";
import express, { type Express } from "express";
import { assets } from "./assets.ts";
import { openDatabase } from "./database.ts";
import { answerErrors } from "./error-page.ts";
import { writeFirstThreads } from "./first-threads.ts";
import { readForms, refuseOtherBodies } from "./forms-only.ts";
import { refuse } from "./pages.ts";
import { account } from "./routes/account.ts";
import { devices } from "./routes/devices.ts";
import { home } from "./routes/home.ts";
import { login } from "./routes/login.ts";
import { logout } from "./routes/logout.ts";
import { newThread } from "./routes/new-thread.ts";
import { password } from "./routes/password.ts";
import { posts } from "./routes/posts.ts";
import { status } from "./routes/status.ts";
import { thread } from "./routes/thread.ts";
import { securityHeaders } from "./security-headers.ts";
import { createThreads } from "./threads.ts";

export { page } from "./pages.ts";
export { afterSignIn, publicPaths, webhookPath } from "./paths.ts";

/** What `createForum` takes. */
export interface ForumOptions {
  readonly sessions: Sessions;
  /** Path of the SQLite file, or ":memory:". */
  readonly database: string;
  /** The forum's own origin, the one `sessions` has. */
  readonly origin: string;
  /**
   * Addresses and ranges of the proxies that say, in X-Forwarded-For, where a request came from. Default: nobody is believed. A
   * proxy that is named here must replace what a stranger sent, or add the address it saw.
   */
  readonly trustedProxies?: readonly string[];
  /** Whether this node should be sent requests, for whoever spreads them. Default: always. */
  readonly isReady?: () => boolean;
  /** Called with every error that only an operator can mend. */
  readonly onError?: (error: unknown) => void;
  /** The clock, epoch milliseconds. For tests. */
  readonly now?: () => number;
}

/**
 * The forum, not yet listening. `close()` closes its database, once the server has stopped; it leaves `sessions` to whoever
 * made them.
 *
 * @example
 * const sessions = createSessions({ ..., origin, publicPaths, afterSignIn, webhookPath, page });
 * const forum = createForum({ sessions, database: "./forum.sqlite", origin });
 * forum.app.listen(3001, "127.0.0.1");
 */
export function createForum(options: ForumOptions): { app: Express; close(): void } {
  const { sessions, origin, trustedProxies = [], onError = () => {}, now = Date.now } = options;
  const database = openDatabase(options.database);
  writeFirstThreads(database, now());
  const threads = createThreads(database, now);

  const app = express();
  app.set("trust proxy", trustedProxies.length > 0 ? [...trustedProxies] : false);
  app.disable("x-powered-by");
  app.disable("etag");

  app.use(securityHeaders(origin));
  app.use("/assets", assets());
  status(app, sessions, options.isReady ?? (() => true));
  app.use(readForms, refuseOtherBodies, latchkey(sessions));
  home(app, threads);
  thread(app, threads);
  login(app, origin);
  logout(app);
  newThread(app, threads);
  posts(app, threads);
  account(app);
  devices(app);
  password(app);
  app.use((_request, response) => refuse(response, 404, "There is no such page in this forum."));
  app.use(answerErrors(onError));
  return { app, close: () => database.close() };
}
