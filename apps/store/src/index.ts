/**
 * The shop, on Fastify. This file puts the parts together and says in which order a request meets them; it does not
 * listen, and it does not know where users are kept: `sessions` does.
 */
import { randomBytes } from "node:crypto";
import formbody from "@fastify/formbody";
import type { Sessions } from "@latchkey/session";
import { latchkey } from "@latchkey/session/fastify";
import { fastify, type FastifyInstance } from "fastify";
import { serveAssets } from "./assets.ts";
import { createCarts } from "./carts.ts";
import { createCatalogue } from "./catalogue.ts";
import { openDatabase } from "./database.ts";
import { answerError } from "./error-page.ts";
import { guestCartCookie } from "./guest-cart.ts";
import { pages } from "./pages.ts";
import { account } from "./routes/account.ts";
import { cart } from "./routes/cart.ts";
import { cartItems } from "./routes/cart-items.ts";
import { devices } from "./routes/devices.ts";
import { home } from "./routes/home.ts";
import { login } from "./routes/login.ts";
import { logout } from "./routes/logout.ts";
import { password } from "./routes/password.ts";
import { status } from "./routes/status.ts";
import { securityHeaders } from "./security-headers.ts";
import { cartOwner, refuse, type Shop } from "./shop.ts";

export { page } from "./pages.ts";
export { afterSignIn, publicPaths, webhookPath } from "./paths.ts";

/** What `createStore` takes. */
export interface StoreOptions {
  readonly sessions: Sessions;
  /** Path of the SQLite file, or ":memory:". */
  readonly database: string;
  /** The shop's own origin, the one `sessions` has. */
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
  /** The random source. For tests. */
  readonly randomBytes?: (length: number) => Buffer;
}

/**
 * The shop, not yet listening; `close()` closes its database too, and leaves `sessions` to whoever made them.
 *
 * @example
 * const sessions = createSessions({ ..., origin, publicPaths, afterSignIn, webhookPath, page });
 * const store = await createStore({ sessions, database: "./store.sqlite", origin });
 * await store.listen({ host: "127.0.0.1", port: 3000 });
 */
export async function createStore(options: StoreOptions): Promise<FastifyInstance> {
  const { sessions, origin, trustedProxies = [], onError = () => {} } = options;
  const setSecurityHeaders = securityHeaders(origin);
  const app = fastify({
    bodyLimit: 64 * 1024,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    // An address that can't be decoded never reaches the hooks below.
    frameworkErrors(error, _request, reply) {
      setSecurityHeaders(reply);
      answerError(error, reply, onError);
    },
  });
  const database = openDatabase(options.database);
  app.addHook("onClose", () => database.close());
  const carts = createCarts(database, options.now ?? Date.now);
  const guestCart = guestCartCookie(origin, options.randomBytes ?? randomBytes);
  const show = pages(({ request }) => {
    const owner = cartOwner(request, guestCart);
    return owner === null ? 0 : carts.count(owner);
  });
  const shop = {
    catalogue: createCatalogue(database),
    carts,
    guestCart,
    show,
    origin,
  };

  app.addHook("onRequest", async (_request, reply) => setSecurityHeaders(reply));
  app.setErrorHandler((error, _request, reply) => answerError(error, reply, onError));
  app.removeAllContentTypeParsers();
  await app.register(formbody);
  serveAssets(app);
  status(app, sessions, options.isReady ?? (() => true));
  await app.register((visited) => visitedPages(visited, sessions, shop));
  return app;
}

/** The pages: everything in this scope, and every path without a page, asks `sessions` who is there. */
async function visitedPages(app: FastifyInstance, sessions: Sessions, shop: Shop): Promise<void> {
  await app.register(latchkey(sessions));
  home(app, shop);
  login(app, shop);
  logout(app);
  cart(app, shop);
  cartItems(app, shop);
  account(app, shop);
  devices(app, shop);
  password(app, shop);
  app.setNotFoundHandler((_request, reply) =>
    refuse(shop, reply, 404, "There is no such page in this shop."),
  );
}
