/**
 * Addresses of Redis: one server, a master that Sentinels know, a Cluster. Reads the text and connects to nothing. No message
 * repeats any part of an address: most hold a password (CWE-532).
 */

/** Where a server listens. */
export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** What an address says. */
export type RedisAddress = {
  readonly tls: boolean;
  /** `null` where the address names nobody. */
  readonly credentials: { readonly username: string | null; readonly password: string } | null;
} & (
  | { readonly kind: "server"; readonly at: RedisHost; readonly database: number }
  | {
      readonly kind: "sentinel";
      readonly hosts: readonly RedisHost[];
      readonly master: string;
      readonly database: number;
    }
  | { readonly kind: "cluster"; readonly hosts: readonly RedisHost[] }
);

const shape = /^redis(?<tls>s?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?<authority>[^/?#]+)(?<path>\/[^?#]*)?$/;
const hostShape = /^(?:\[(?<v6>[\da-f:.]+)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?$/i;
const defaultPort = { server: 6379, sentinel: 26_379, cluster: 6379 };

/** Reads an address; throws a TypeError that names `url`, and says what is wrong without showing it. */
export function redisAddress(url: string): RedisAddress {
  // From JavaScript, an environment variable that is not set arrives here.
  const parts = typeof url === "string" ? shape.exec(url)?.groups : undefined;
  const { tls, kind, authority, path = "" } = parts ?? {};
  if (authority === undefined)
    wrong("has to start with redis://, redis+sentinel:// or redis+cluster://, or rediss… for TLS");
  const at = authority.lastIndexOf("@");
  const said = {
    tls: tls === "s",
    credentials: at < 0 ? null : credentials(authority.slice(0, at)),
  };
  const hosts = (of: keyof typeof defaultPort) =>
    authority
      .slice(at + 1)
      .split(",")
      .map((host) => hostOf(host, defaultPort[of]));

  if (kind === "cluster") {
    if (path !== "" && path !== "/") wrong("of a Cluster ends after its hosts: it has one database");
    return { ...said, kind, hosts: hosts(kind) };
  }
  if (kind === "sentinel") return { ...said, kind, hosts: hosts(kind), ...masterOf(path) };
  const [only, ...others] = hosts("server");
  if (only === undefined || others.length > 0)
    wrong("names several hosts: only those of Sentinels and of a Cluster do");
  return { ...said, kind: "server", at: only, database: databaseOf(path.slice(1)) };
}

function credentials(text: string): { username: string | null; password: string } {
  const colon = text.indexOf(":");
  const password = colon < 0 ? "" : decoded(text.slice(colon + 1));
  if (password === "") wrong("names a user without a password: it is user:password@ or :password@");
  return { username: colon === 0 ? null : decoded(text.slice(0, colon)), password };
}

function hostOf(text: string, otherwise: number): RedisHost {
  const { v6, name, port } = hostShape.exec(text)?.groups ?? {};
  const host = v6 ?? name;
  if (host === undefined) wrong("has something between @ and / that is not host:port, or several of them");
  const number = port === undefined ? otherwise : Number(port);
  if (number < 1 || number > 65_535) wrong("has a port that is not 1 to 65535");
  return { host, port: number };
}

function masterOf(path: string): { master: string; database: number } {
  const [, name = "", database = "", ...more] = path.split("/");
  if (name === "" || more.length > 0) wrong("of Sentinels ends with /master or /master/database");
  return { master: decoded(name), database: databaseOf(database) };
}

function databaseOf(text: string): number {
  if (!/^\d{0,5}$/.test(text)) wrong("ends with a database that is not a number");
  return Number(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    wrong("has a % that is no escape: write it %25");
  }
}

function wrong(what: string): never {
  throw new TypeError(`"url" ${what}`);
}
