/**
 * One small application, told in terms of no framework: what each route answers. frameworks.ts puts it on Express, Fastify
 * and Hono, so that a difference in behaviour can only come from the adapters.
 */
import type { ChangePasswordResult, SignInResult, Visitor } from "../src/index.ts";
import type { Gate } from "./clock.ts";

/** What a route answers. */
export interface Page {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

/** What a route gets. `fields` is the parsed body, which holds whatever was sent. */
export interface Asked {
  readonly visitor: Visitor;
  readonly fields: Readonly<Record<string, unknown>>;
  /** What the slow routes wait for. */
  readonly gate: Gate | null;
}

/** Routes by "METHOD /path". */
export const pages: Record<string, (asked: Asked) => Page | Promise<Page>> = {
  "GET /": ({ visitor }) =>
    ok(visitor.session === null ? "a visitor" : `welcome ${visitor.session.user.email}`),
  "GET /login": ({ visitor }) => ok(form(visitor)),
  "POST /login": async ({ visitor, fields }) => {
    const { loginId, password, returnTo } = fields;
    const result = await visitor.signIn({
      loginId,
      password,
      returnTo,
      remember: fields["confirm"] === "on" ? undefined : fields["remember"] === "on",
    });
    if (result.outcome === "signed-in") return redirect(result.location);
    const reason = result.outcome === "refused" ? result.reason : result.outcome;
    return { status: result.status, body: `${form(visitor)} ${reason}`, headers: retryAfter(result) };
  },
  "POST /logout": async ({ visitor }) => {
    await visitor.signOut();
    return redirect("/");
  },
  "GET /shopping-cart": ({ visitor }) => ok(`cart of ${visitor.signedIn().user.email} ${form(visitor)}`),
  "POST /items": ({ visitor, fields }) =>
    ok(`${visitor.signedIn().user.email} adds ${String(fields["item"])}`),
  "PUT /items": ({ visitor }) => ok(`${visitor.signedIn().user.email} replaces`),
  "DELETE /items": ({ visitor }) => ok(`${visitor.signedIn().user.email} removes`),
  "GET /slow": async ({ visitor, gate }) => {
    await gate?.pass();
    return ok(`slow page of ${visitor.signedIn().user.email}`);
  },
  "GET /account": async ({ visitor }) =>
    ok(`${form(visitor)}<script type="application/json">${JSON.stringify(await visitor.devices())}</script>`),
  "POST /account/end": async ({ visitor, fields }) =>
    ok(`ended: ${await visitor.endDevice(fields["signInId"])}`),
  "POST /account/end-others": async ({ visitor }) => ok(`ended: ${await visitor.signOutOthers()}`),
  "POST /account/sign-out-everywhere": async ({ visitor }) => {
    await visitor.signOutEverywhere();
    return redirect("/");
  },
  "POST /account/password": async ({ visitor, fields }) => {
    const { currentPassword, newPassword } = fields;
    const result = await visitor.changePassword({ currentPassword, newPassword });
    if (result.outcome === "changed") return redirect(result.location);
    return { status: result.status, body: JSON.stringify(result), headers: retryAfter(result) };
  },
  "GET /own-cookie": () => ok("own cookie", { "set-cookie": ownCookie }),
  "GET /own-cache": () => ok("own cache", { "cache-control": "private, max-age=60" }),
  "GET /throws": () => {
    throw new Error("a mistake of the application");
  },
  "GET /mistaken": ({ visitor }) => ok(`secrets of ${visitor.signedIn().user.email}`),
  "POST /hook": ({ fields }) => ok(`hook ${String(fields["item"])}`),
  "GET /assets/style.css": () => ok("body {}"),
};

/** Routes behind `requireRecentSignIn("10m", …)`: where a form leads to afterwards, or nothing said of it. */
export const sensitiveRoutes: readonly (readonly [string, { returnTo?: string }])[] = [
  ["GET /sensitive", {}],
  ["POST /sensitive", {}],
  ["POST /sensitive/returning", { returnTo: "/account" }],
  ["GET /assets/sensitive", {}],
];

/** A cookie of the application's own, beside which the library's must stand. */
export const ownCookie = "cart=guest-cart-1; Path=/; HttpOnly; SameSite=Lax";

/** Public besides /login: `/mistaken` by a mistake that must not open it. */
export const publicPaths = ["/", "/assets/*", "/mistaken"];
/** Open to programs that sign their requests. */
export const unguardedPaths = ["/hook"];

function ok(body: string, headers: Record<string, string> = {}): Page {
  return { status: 200, body, headers };
}

function retryAfter(result: SignInResult | ChangePasswordResult): Record<string, string> {
  return "retryAfter" in result ? { "retry-after": String(result.retryAfter) } : {};
}

function redirect(location: string): Page {
  return { status: 302, body: "", headers: { location } };
}

function form(visitor: Visitor): string {
  return `<input type="hidden" name="form-token" value="${visitor.formToken()}"> ${visitor.returnTo ?? ""}`;
}
