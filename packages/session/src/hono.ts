/** The Hono adapter: moves headers between Hono and the library, and decides nothing. */
import { Readable } from "node:stream";
import type { Context, MiddlewareHandler } from "hono";
import { askForRecentSignIn, cacheControl, keepVisitor } from "./adapter.ts";
import type { Answer } from "./answer.ts";
import type { Duration } from "./duration.ts";
import { WebhookBodyConsumedError } from "./errors.ts";
import type { IncomingRequest } from "./receive.ts";
import { type RecentSignInOptions, recentSignIn } from "./recent-sign-in.ts";
import type { Sessions } from "./sessions.ts";
import type { IncomingWebhook } from "./webhook.ts";

export { visitor } from "./adapter.ts";

/** What the Hono adapter can't know by itself. */
export interface HonoOptions {
  /** The client's address; by default the socket's, where the application is served by `@hono/node-server`. */
  readonly address?: (context: Context) => string | undefined;
}

/**
 * Sessions for a Hono 4 application: register it before the routes. Every route then needs a signed-in user, except the
 * `publicPaths`. The visitor hangs on the context: `visitor(c)`.
 *
 * @example
 * app.use(latchkey(sessions));
 * app.get("/posts", (c) => c.html(postsOf(visitor(c).signedIn().user)));
 */
export function latchkey(
  sessions: Sessions,
  { address = socketAddress }: HonoOptions = {},
): MiddlewareHandler {
  return async (context, next) => {
    const described = incoming(context, address, sessions);
    if (sessions.isWebhook(described.target)) return responseOf(await sessions.receiveWebhook(described));
    const received = await sessions.receive(described);
    if (received.kind === "answer") return responseOf(received.answer);
    keepVisitor(context, received);
    await next();
    await received.dropOvertakenCookies();
    const headers = received.headers();
    for (const cookie of headers.setCookie) context.header("set-cookie", cookie, { append: true });
    const cache = cacheControl(headers, context.res.headers.get("cache-control") ?? undefined);
    if (cache !== null) context.header("cache-control", cache);
    return undefined;
  };
}

/**
 * Middleware for what is sensitive: the route runs only if the password was given within that time. Otherwise a page leads to
 * the login form and back, a form to the login form and on to `returnTo`, a program gets 403
 * `{"error":"recent-sign-in-required"}`; where nobody is signed in it is as everywhere. Throws a TypeError for what is no
 * duration or no path.
 *
 * @example
 * app.post("/account/password", requireRecentSignIn("10m", { returnTo: "/account" }), changePassword);
 */
export function requireRecentSignIn(within: Duration, options?: RecentSignInOptions): MiddlewareHandler {
  const demand = recentSignIn(within, options);
  return async (context, next) => {
    const answer = askForRecentSignIn(context, demand);
    if (answer !== null) return responseOf(answer);
    await next();
    return undefined;
  };
}

function responseOf({ status, headers, body }: Answer): Response {
  return new Response(body, { status, headers: { ...headers } });
}

function incoming(
  context: Context,
  address: NonNullable<HonoOptions["address"]>,
  sessions: Sessions,
): IncomingRequest & IncomingWebhook {
  const { pathname, search } = new URL(context.req.url);
  return {
    method: context.req.method,
    target: `${pathname}${search}`,
    header: (name) => context.req.header(name),
    address: address(context),
    arrivedAt: sessions.arrivedAt(socketRequest(context) ?? context),
    body: () => formFields(context),
    bytes: () => bytes(context),
  };
}

/** Bodies larger than this, or of unknown length, are not read in search of a form token: they carry it in a header. */
const largestForm = 1_048_576;

async function formFields(context: Context): Promise<unknown> {
  const length = Number(context.req.header("content-length") ?? Number.NaN);
  const type = context.req.header("content-type") ?? "";
  const isForm =
    type.startsWith("application/x-www-form-urlencoded") || type.startsWith("multipart/form-data");
  if (!isForm || !(length <= largestForm)) return undefined;
  // A body that can't be parsed has no token; Hono keeps what was parsed for the handler.
  return context.req.parseBody().catch(() => undefined);
}

/** The body as it arrives; throws WebhookBodyConsumedError if another middleware has read it. */
function bytes({ req }: Context): AsyncIterable<Uint8Array> {
  if (req.raw.bodyUsed) throw new WebhookBodyConsumedError();
  return req.raw.body ?? Readable.from([]);
}

function socketAddress(context: Context): string | undefined {
  return socketRequest(context)?.socket?.remoteAddress;
}

/** The request of `node:http`, where the application is served by `@hono/node-server`. */
function socketRequest(context: Context): { socket?: { remoteAddress?: string } } | undefined {
  return ((context.env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } }).incoming;
}
