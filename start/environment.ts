/** The environment of `npm start`, checked: a bad value stops it with one line that names the variable. */
import { isIP } from "node:net";
import {
  type CookieKey,
  type Duration,
  parseDuration,
  type PolicyName,
  type Workflow,
} from "@latchkey/session";
import { EnvironmentError } from "./errors.ts";
import { cookieKeys, type Variables, withSecretFiles } from "./secret-variables.ts";
import { trustedProxies } from "./trusted-proxies.ts";

/** The two applications. */
export type Part = "store" | "forum";

/** Something of each application, where there is anything. */
type OfParts<Value> = { readonly [part in Part]?: Value };

/** What `npm start` was asked to do. */
export interface Environment {
  readonly ports: {
    readonly store: number;
    readonly forum: number;
    readonly idp: number;
    readonly outbox: number;
  };
  /** Which of the applications this node runs. */
  readonly parts: readonly Part[];
  /** The address that the applications listen on; provider and outbox stay on loopback. */
  readonly host: string;
  /** Where browsers find the applications if a proxy in front of them ends TLS; without one, this machine's own names. */
  readonly origins: OfParts<string>;
  /** Where the provider's webhooks go, if not to where browsers find the application. */
  readonly webhookOrigins: OfParts<string>;
  /** The proxies, as addresses and ranges, that are believed about where a request came from. */
  readonly trustedProxies: readonly string[];
  /** Milliseconds for which a node that was told to stop goes on serving, while its proxy learns of it. */
  readonly drain: number;
  readonly dataDirectory: string;
  /** `sqlite:`, `memory:`, or the address of a store that nodes share. May hold a password. */
  readonly sessionStore: string;
  /** What all nodes of an application seal cookies with; `null` for keys of this installation's own. */
  readonly cookieKeys: readonly CookieKey[] | null;
  /** A provider that runs elsewhere; `null` for the embedded one. */
  readonly provider: { readonly url: string; readonly apiKey: string } | null;
  /** Of an application that its operator has set up at the provider; what has none is set up at the start. */
  readonly clientSecrets: OfParts<string>;
  /** The embedded provider's database, an address or `sqlite:` and a path; `null` for a file in the data directory. */
  readonly database: string | null;
  /** Who the embedded provider's mail is from, and the server it goes to; `null` for the outbox page. */
  readonly mail: { readonly from: string; readonly smtp: string | null };
  readonly workflow: Workflow;
  readonly policy: PolicyName;
  readonly durations: Durations;
}

/** The lifetimes that were set; the others keep their defaults. */
export interface Durations {
  readonly sessionIdle?: Duration;
  readonly sessionAbsolute?: Duration;
  readonly refreshIdle?: Duration;
  readonly refreshAbsolute?: Duration;
}

/** Reads the environment; throws EnvironmentError for the first value that can't be used. An empty one is unset. */
export function readEnvironment(given: Variables): Environment {
  const variables = withSecretFiles(given);
  const mode = choice(variables, "NODE_ENV", ["development", "production", "test"]);
  const elsewhere = provider(variables);
  if (mode === "production" && elsewhere === null) {
    // ASVS 6.3.2: everybody knows the demo accounts' passwords.
    throw new EnvironmentError("NODE_ENV", "production starts no demo accounts; set IDP_URL and IDP_API_KEY");
  }
  return {
    ports: {
      store: port(variables, "STORE_PORT", 3000),
      forum: port(variables, "FORUM_PORT", 3001),
      idp: port(variables, "IDP_PORT", 9011),
      outbox: port(variables, "OUTBOX_PORT", 3002),
    },
    parts: parts(variables),
    host: host(variables),
    origins: origins(variables),
    webhookOrigins: ofParts((part) => webhookOrigin(variables, `${part}_WEBHOOK_ORIGIN`)),
    trustedProxies: trustedProxies(variables["TRUST_PROXY"] || "none"),
    // As the provider's program has it: what spreads requests needs some seconds to notice that a node is about to end.
    drain: seconds(variables, "DRAIN_SECONDS", mode === "production" ? 5 : 0) * 1_000,
    dataDirectory: variables["DATA_DIR"] || "./data",
    ...sessions(variables),
    provider: elsewhere,
    clientSecrets: clientSecrets(variables, elsewhere),
    database: database(variables, elsewhere),
    mail: mail(variables, elsewhere),
    workflow: choice(variables, "WORKFLOW", ["sessions+refresh-tokens", "sessions"]),
    policy: choice(variables, "POLICY", ["hardened", "as-described"]),
    durations: {
      ...duration(variables, "SESSION_IDLE", "sessionIdle"),
      ...duration(variables, "SESSION_ABSOLUTE", "sessionAbsolute"),
      ...duration(variables, "REFRESH_IDLE", "refreshIdle"),
      ...duration(variables, "REFRESH_ABSOLUTE", "refreshAbsolute"),
    },
  };
}

function port(variables: Variables, name: string, otherwise: number): number {
  const value = variables[name];
  if (!value) return otherwise;
  if (/^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535) return Number(value);
  throw new EnvironmentError(name, `"${value}" is not a port (1 to 65535)`);
}

function parts(variables: Variables): readonly Part[] {
  const all: readonly Part[] = ["store", "forum"];
  const named = (variables["PARTS"] || all.join()).split(",").map((part) => part.trim());
  const unknown = named.find((part) => !all.some((each) => each === part));
  if (unknown === undefined) return all.filter((part) => named.includes(part));
  throw new EnvironmentError("PARTS", `"${unknown}" is not one of ${all.join(", ")}`);
}

function ofParts<Value>(read: (part: "STORE" | "FORUM") => Value | undefined): OfParts<Value> {
  const [store, forum] = [read("STORE"), read("FORUM")];
  return { ...(store !== undefined && { store }), ...(forum !== undefined && { forum }) };
}

function host(variables: Variables): string {
  const value = variables["HOST"] || "127.0.0.1";
  if (isIP(value) !== 0 || value === "localhost") return value;
  throw new EnvironmentError(
    "HOST",
    `"${value}" is not an address of this machine, like 10.0.0.7 or 0.0.0.0`,
  );
}

function seconds(variables: Variables, name: string, otherwise: number): number {
  const value = variables[name] || String(otherwise);
  if (/^\d{1,3}$/.test(value) && Number(value) <= 600) return Number(value);
  throw new EnvironmentError(name, `"${value}" is not a number of seconds (0 to 600)`);
}

function sessions(variables: Variables): Pick<Environment, "sessionStore" | "cookieKeys"> {
  const sessionStore = variables["SESSION_STORE"] || "sqlite:";
  const keys = cookieKeys(variables);
  const isOwn = sessionStore === "sqlite:" || sessionStore === "memory:";
  // It may hold a password: it is not repeated.
  if (!isOwn && !/^(rediss?(\+sentinel|\+cluster)?|postgres(ql)?):\/\/./.test(sessionStore))
    throw new EnvironmentError("SESSION_STORE", "is not sqlite:, memory:, redis://… or postgres://…");
  // Each node would make its own, and open no cookie of another: its users would be asked to sign in at random.
  if (!isOwn && keys === null)
    throw new EnvironmentError(
      "COOKIE_KEYS",
      "is needed where nodes share a SESSION_STORE, the same for all",
    );
  return { sessionStore, cookieKeys: keys };
}

function clientSecrets(
  variables: Variables,
  elsewhere: Environment["provider"],
): Environment["clientSecrets"] {
  return ofParts((part) => {
    const value = variables[`${part}_CLIENT_SECRET`] || undefined;
    if (value === undefined || elsewhere !== null) return value;
    throw new EnvironmentError(`${part}_CLIENT_SECRET`, "is for a provider elsewhere, at IDP_URL");
  });
}

function database(variables: Variables, elsewhere: Environment["provider"]): string | null {
  const value = variables["DATABASE_URL"];
  if (!value) return null;
  if (elsewhere !== null)
    throw new EnvironmentError("DATABASE_URL", "the provider at IDP_URL has its own database");
  const path = /^sqlite:(.+)$/.exec(value)?.[1];
  if (path !== undefined) return path;
  if (URL.canParse(value) && /^postgres(ql)?:$/.test(new URL(value).protocol)) return value;
  throw new EnvironmentError("DATABASE_URL", "is not postgres://… or sqlite: and a path");
}

function origins(variables: Variables): Environment["origins"] {
  const { store, forum } = ofParts((part) => origin(variables, `${part}_ORIGIN`));
  // Ports do not keep cookies apart (RFC 6265 §8.5): each application would get the other's.
  if (store && forum && new URL(store).hostname === new URL(forum).hostname)
    throw new EnvironmentError("FORUM_ORIGIN", "needs a host name of its own, not the Store's");
  return { ...(store && { store }), ...(forum && { forum }) };
}

function origin(variables: Variables, name: string): string | undefined {
  const value = variables[name];
  if (!value) return undefined;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url?.protocol === "https:" && url.origin === value) return value;
  throw new EnvironmentError(name, `"${value}" is not an https origin like https://shop.example.com`);
}

/** Plain http is for a network of one's own: the provider refuses it unless its WEBHOOKS_PLAIN_HTTP_TO names it. */
function webhookOrigin(variables: Variables, name: string): string | undefined {
  const value = variables[name];
  if (!value) return undefined;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.origin === value) return value;
  throw new EnvironmentError(name, `"${value}" is not an origin like https://shop.example.com`);
}

function mail(variables: Variables, elsewhere: Environment["provider"]): Environment["mail"] {
  const { SMTP_URL: smtp, MAIL_FROM: from } = variables;
  if (!smtp) return { from: from || "accounts@latchkey.example", smtp: null };
  // It may hold a password: it is not repeated.
  if (!URL.canParse(smtp) || !/^smtps?:$/.test(new URL(smtp).protocol))
    throw new EnvironmentError("SMTP_URL", "is not an address like smtp://mail.example.com:587");
  if (elsewhere !== null)
    throw new EnvironmentError("SMTP_URL", "the provider at IDP_URL sends its own mail");
  if (!from) throw new EnvironmentError("MAIL_FROM", "is needed where SMTP_URL is set");
  return { from, smtp };
}

function provider(variables: Variables): Environment["provider"] {
  const { IDP_URL: url, IDP_API_KEY: apiKey } = variables;
  if (!url && !apiKey) return null;
  if (!url) throw new EnvironmentError("IDP_URL", "is needed where IDP_API_KEY is set");
  if (!apiKey) throw new EnvironmentError("IDP_API_KEY", "is needed where IDP_URL is set");
  const address = URL.canParse(url) ? new URL(url) : null;
  if (address?.username || address?.password)
    throw new EnvironmentError("IDP_URL", "holds a user name; what opens the provider is IDP_API_KEY");
  if (address === null || !/^https?:$/.test(address.protocol))
    throw new EnvironmentError("IDP_URL", `"${url}" is not an http or https address`);
  // ASVS 12.3.1: passwords go there.
  if (address.protocol === "http:" && !isLoopback(address.hostname))
    throw new EnvironmentError("IDP_URL", `"${url}" must be https: passwords go there`);
  return { url: url.replace(/\/+$/, ""), apiKey };
}

/** Whether a host is this machine, whatever a resolver says. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function choice<Value extends string>(
  variables: Variables,
  name: string,
  [first, ...others]: [Value, ...Value[]],
): Value {
  const value = variables[name];
  if (!value) return first;
  const chosen = [first, ...others].find((each) => each === value);
  if (chosen !== undefined) return chosen;
  throw new EnvironmentError(name, `"${value}" is not one of ${[first, ...others].join(", ")}`);
}

function duration(variables: Variables, name: string, key: keyof Durations): Durations {
  const value = variables[name];
  if (!value) return {};
  if (parseDuration(value) !== null) return { [key]: value };
  throw new EnvironmentError(name, `"${value}" is not a duration like 2s, 30m, 12h or 30d (at most 400d)`);
}
