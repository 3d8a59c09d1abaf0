/**
 * Options → settings, checked once: a wrong option stops the application at construction, by name. The only file of
 * this package that touches the real clock and the real random source.
 */
import { randomBytes } from "node:crypto";
import { accessTokenVerifier, type VerifyAccessToken } from "./access-token.ts";
import { type CookieWriter, cookieWriter } from "./cookies.ts";
import { type Deadline, checkedDeadline } from "./duration.ts";
import { type Publish, publisher } from "./events.ts";
import { identityProvider } from "./identity-provider.ts";
import type { Clocks } from "./provider-call.ts";
import type { IdentityProvider, IdentityProviderOptions } from "./provider-contract.ts";
import { type CookieKey, type KeyRing, keyRing } from "./key-ring.ts";
import { type LifetimeOptions, type Lifetimes, lifetimes } from "./lifetimes.ts";
import { type OnList, pathList } from "./paths.ts";
import { type ProviderKeys, providerKeys } from "./provider-keys.ts";
import { sessionHash } from "./session-id.ts";
import { guarded } from "./store/guard.ts";
import type { SessionStore } from "./store/store.ts";

/** W1: server-side sessions alone. W2: the session is renewed from a refresh-token cookie. */
export type Workflow = "sessions" | "sessions+refresh-tokens";

/**
 * `hardened` is what to run. `as-described` does what the published workflows say, word by word, and falls to the
 * attacks they end with: for the lab and for comparison.
 */
export type PolicyName = "hardened" | "as-described";

/** What `createSessions` takes. */
export interface SessionsOptions {
  /** The application's name, `a–z 0–9 -`. Cookies sealed for one application mean nothing to another. */
  readonly application: string;
  /** The application's own origin, as browsers see it. https, or http on a loopback host. */
  readonly origin: string;
  readonly identityProvider: IdentityProviderOptions;
  /** The first key writes, all of them read. */
  readonly cookieKeys: readonly CookieKey[];
  readonly store: SessionStore;
  /**
   * How long a call to the store may take, at most 1m; by up to an eighth longer, before the request gets 503. Default 1s.
   */
  readonly storeDeadline?: Deadline;
  /** Paths anybody may request, signed in or not: exact, or ending in `/*`. Every other path needs a signed-in user. */
  readonly publicPaths: readonly string[];
  /** Where the login form is; always public. Default `/login`. */
  readonly signInPath?: string;
  /** Where signing in leads when nothing else was asked for. Default `/`. */
  readonly afterSignIn?: string;
  /** Default `sessions+refresh-tokens`. */
  readonly workflow?: Workflow;
  /** Default `hardened`. */
  readonly policy?: PolicyName;
  readonly lifetimes?: LifetimeOptions;
  /**
   * Paths anybody may request, and that take unsafe requests without cross-site guard and form token: receivers of
   * signed webhooks.
   */
  readonly unguardedPaths?: readonly string[];
  /**
   * Where the provider sends its signed webhooks (FusionAuth's events), for example `/webhooks/identity-provider`: the library
   * answers that path itself, and ends the sign-ins an event concerns. Without it a revocation at the provider, or in another
   * application, bites within `revalidateAfter`.
   */
  readonly webhookPath?: string;
  /** Renders the pages of refusals and outages; gets the status and a sentence for the user, returns HTML. */
  readonly page?: (status: number, message: string) => string;
  /** The clock, epoch milliseconds. For tests. */
  readonly now?: () => number;
  /** The random source. For tests. */
  readonly randomBytes?: (length: number) => Buffer;
}

/** The options, checked and completed. */
export interface Settings {
  readonly application: string;
  readonly origin: string;
  /** Whether sessions are renewed from a refresh-token cookie (W2). */
  readonly renews: boolean;
  readonly policy: PolicyName;
  readonly lifetimes: Lifetimes;
  readonly store: SessionStore;
  readonly provider: IdentityProvider;
  /** This application's id at the provider. */
  readonly applicationId: string;
  readonly providerKeys: ProviderKeys;
  readonly verifyAccessToken: VerifyAccessToken;
  readonly keys: KeyRing;
  readonly cookieWriter: CookieWriter;
  readonly isPublic: OnList;
  readonly isUnguarded: OnList;
  /** `null` where the application takes no webhooks. */
  readonly webhookPath: string | null;
  readonly signInPath: string;
  readonly afterSignIn: string;
  readonly page: (status: number, message: string) => string;
  readonly publish: Publish;
  /** What the store knows a session id by. */
  readonly hashOf: (sessionId: string) => string;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Buffer;
}

/** Checks the options; throws a TypeError that names the first wrong one. */
export function checkedSettings(options: SessionsOptions): Settings {
  const { application, workflow = "sessions+refresh-tokens", policy = "hardened" } = options;
  const now = options.now ?? Date.now;
  // A clock that is set back must not keep a circuit open; a test has one clock for everything.
  const elapsed = options.now ?? (() => performance.now());
  if (!/^[a-z0-9-]{1,32}$/.test(application))
    throw new TypeError('"application" must be 1 to 32 of a–z 0–9 -');
  oneOf("workflow", workflow, ["sessions", "sessions+refresh-tokens"]);
  oneOf("policy", policy, ["hardened", "as-described"]);
  const origin = ownOrigin(options.origin);
  const publish = publisher(application, now);
  const provider = checkedProvider(options, workflow, policy, { now, elapsed }, publish);
  const deadline = checkedDeadline("storeDeadline", options.storeDeadline ?? "1s");
  const { applicationId, issuer } = options.identityProvider;
  const trustedKeys = providerKeys(provider, { issuer, now });
  const signInPath = ownPath("signInPath", options.signInPath ?? "/login");
  return {
    application,
    origin: origin.origin,
    renews: workflow === "sessions+refresh-tokens",
    policy,
    lifetimes: lifetimes(workflow, policy, options.lifetimes ?? {}),
    store: guarded(options.store, { deadline, elapsed, publish }),
    provider,
    applicationId,
    providerKeys: trustedKeys,
    verifyAccessToken: accessTokenVerifier(trustedKeys, applicationId),
    keys: keyRing(options.cookieKeys, application),
    cookieWriter: cookieWriter(origin.protocol === "https:"),
    isPublic: pathList([signInPath, ...options.publicPaths.map((path) => ownPath("publicPaths", path))]),
    isUnguarded: pathList((options.unguardedPaths ?? []).map((path) => ownPath("unguardedPaths", path))),
    webhookPath: options.webhookPath === undefined ? null : ownPath("webhookPath", options.webhookPath),
    signInPath,
    afterSignIn: ownPath("afterSignIn", options.afterSignIn ?? "/"),
    page: options.page ?? plainPage,
    publish,
    hashOf: (sessionId) => sessionHash(application, sessionId),
    now,
    randomBytes: options.randomBytes ?? randomBytes,
  };
}

function oneOf(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw new TypeError(`"${option}" must be one of ${allowed.join(", ")}`);
}

/** Plain http is for loopback hosts alone: anywhere else the session cookie would cross the network in the clear. */
function ownOrigin(value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || url.origin !== value)
    throw new TypeError('"origin" must be an origin, like https://shop.example.com');
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) return url;
  throw new TypeError(
    '"origin" must be https; plain http is for loopback hosts (localhost, *.localhost, 127.0.0.1)',
  );
}

function isLoopback(host: string): boolean {
  return (
    host === "localhost" || host.endsWith(".localhost") || /^127(\.\d+){3}$/.test(host) || host === "[::1]"
  );
}

function checkedProvider(
  { identityProvider: provider }: SessionsOptions,
  workflow: Workflow,
  policy: PolicyName,
  clocks: Clocks,
  publish: Publish,
): IdentityProvider {
  const url = URL.canParse(provider.url) ? new URL(provider.url) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new TypeError('"identityProvider.url" must be an address');
  if (url.protocol === "http:" && !isLoopback(url.hostname) && provider.fetch === undefined) {
    throw new TypeError('"identityProvider.url" must be https: passwords go there (ASVS 12.3.1)');
  }
  for (const option of ["applicationId", "apiKey"] as const) {
    if (!provider[option]) throw new TypeError(`"identityProvider.${option}" must not be empty`);
  }
  if (policy === "hardened" && workflow === "sessions+refresh-tokens" && !provider.clientSecret) {
    throw new TypeError(
      '"identityProvider.clientSecret" is needed by the hardened policy: a raw refresh token must be useless without it',
    );
  }
  return identityProvider(provider, clocks, publish);
}

function ownPath(option: string, path: string): string {
  if (!path.startsWith("/") || path.startsWith("//"))
    throw new TypeError(`"${option}" must hold paths, not "${path}"`);
  return path;
}

function plainPage(status: number, message: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${status}</title><p>${message}</p></html>`;
}
