/** The environment of `npm start`, checked: a bad value stops it with one line that names the variable. */
import { type Duration, parseDuration, type PolicyName, type Workflow } from "@latchkey/session";

/** What `npm start` was asked to do. */
export interface Environment {
  readonly ports: {
    readonly store: number;
    readonly forum: number;
    readonly idp: number;
    readonly outbox: number;
  };
  /** Where browsers find the applications if a proxy in front of them ends TLS; without one, this machine's own names. */
  readonly origins: { readonly store?: string; readonly forum?: string };
  /** Whether a proxy on this machine says where a request came from, in X-Forwarded-For. */
  readonly behindProxy: boolean;
  readonly dataDirectory: string;
  /** A provider that runs elsewhere; `null` for the embedded one. */
  readonly provider: { readonly url: string; readonly apiKey: string } | null;
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

/** A variable that can't be used; `message` is the line to print. */
export class EnvironmentError extends Error {
  readonly code = "bad-environment";
  override readonly name = "EnvironmentError";

  constructor(variable: string, problem: string) {
    super(`${variable}: ${problem}`);
  }
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads the environment; throws EnvironmentError for the first value that can't be used. An empty one is unset. */
export function readEnvironment(variables: Variables): Environment {
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
    origins: origins(variables),
    behindProxy: choice(variables, "TRUST_PROXY", ["none", "loopback"]) === "loopback",
    dataDirectory: variables["DATA_DIR"] || "./data",
    provider: elsewhere,
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

function origins(variables: Variables): Environment["origins"] {
  const store = origin(variables, "STORE_ORIGIN");
  const forum = origin(variables, "FORUM_ORIGIN");
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
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return { url, apiKey };
  throw new EnvironmentError("IDP_URL", `"${url}" is not an http or https address`);
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
