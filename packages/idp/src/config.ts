// From what a caller configures to what the provider runs with, checked once and frozen.
// The only file of this package that reads the clock; of what a provider does, also the only one that reads randomness: everything
// else gets `now` and `randomBytes` from here, so that a test can move time. (Before there is a configuration, kickstart.ts makes
// `#{UUID()}` and main.ts development's key.) It must not open the database or touch the network.

import { randomBytes, randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import type { Kickstart } from "./kickstart.ts";
import { checkedMail, type MailConfig } from "./mail/mail-config.ts";
import { seedingRequest } from "./seeded-passwords.ts";
import { isPostgresAddress, settingsOf } from "./store/postgres/address.ts";
import { type Receive, trustedProxies } from "./trusted-proxies.ts";
import { uuidFrom } from "./uuid.ts";
import { postBy, postOverNetwork, type SendPost } from "./webhooks/post.ts";

/** Which signature access tokens carry. RS256 is a compatibility switch, never a default (D13). */
export type SigningAlgorithm = "ES256" | "EdDSA" | "RS256";

/** One key of the ring. */
export interface ConfigKey {
  /** 1–16 characters of A–Z a–z 0–9 _ -. Stands in clear in every refresh token. */
  id: string;
  /** At least 32 bytes: base64url, or else taken as UTF-8. */
  secret: string;
}

/** What `createIdp` is given. */
export interface IdpConfig {
  /**
   * Path of a SQLite file, ":memory:", or the address of a Postgres that several nodes can share: "postgres://user:password@host/name",
   * with `?sslmode=verify-full` over a network that others are on, and any of the limits in store/postgres/address.ts.
   */
  database: string;
  /** Base URL, e.g. "http://localhost:9011": the default tenant's `iss` and the base of discovery. */
  issuer: string;
  /** The first key writes, all keys open. They MAC refresh tokens and seal what is secret in the database. */
  keys: readonly ConfigKey[];
  /** Applied once, to an empty database only. */
  kickstart?: Kickstart;
  /**
   * Default false. True refuses sample secrets, short API keys in kickstarts, users whose passwords a kickstart created, and an
   * issuer that is neither https nor this machine (ASVS 13.2.3).
   */
  production?: boolean;
  /** Default ES256. */
  signingAlgorithm?: SigningAlgorithm;
  /** Epoch milliseconds. Without it SQLite goes by this machine's clock, and all nodes on one Postgres by the database's. */
  now?: () => number;
  randomBytes?: (n: number) => Buffer;
  /** Passwords hashed at once (default: the cores) and waiting (default 64); beyond that callers get 503. */
  hashing?: { concurrency?: number; queue?: number };
  /** How users are told of what concerns their sign-ins. Without it they are not. */
  mail?: MailConfig;
  /** How webhooks are called. */
  webhooks?: WebhooksConfig;
  /**
   * Proxies in front of this process whose `X-Forwarded-For` is believed: addresses, CIDR ranges, or "loopback". Default none, and
   * then the other end of the connection is the client.
   */
  trustedProxies?: readonly string[];
}

/** What webhooks may reach, and by what. */
export interface WebhooksConfig {
  /** Default the network, by `node:http` and `node:https`; a function reaches receivers in the same process. Must not follow redirects. */
  fetch?: (request: Request) => Promise<Response>;
  /**
   * Hosts, e.g. "store" or "store:3000", that may be called without TLS though they are not this machine: whoever is on the way
   * reads the events (ASVS 12.3.1). An API key that is bound to a tenant needs it for this machine, too. Default none.
   */
  plainHttpTo?: readonly string[];
}

/** The configuration as the provider uses it. */
export interface ResolvedConfig {
  readonly database: string;
  readonly issuer: string;
  readonly https: boolean;
  readonly keys: readonly { readonly id: string; readonly secret: Buffer }[];
  readonly kickstart: Kickstart | null;
  readonly production: boolean;
  readonly signingAlgorithm: SigningAlgorithm;
  readonly now: () => number;
  readonly randomBytes: (n: number) => Buffer;
  readonly uuid: () => string;
  readonly hashing: { readonly concurrency: number; readonly queue: number };
  readonly mail: MailConfig | null;
  readonly webhooks: { readonly post: SendPost; readonly plainHttpTo: readonly string[] };
  readonly receive: Receive;
}

/** This machine's clock. */
export const systemClock = (): number => Date.now();

/** The checked configuration; throws a TypeError that names the wrong option. */
export function resolveConfig(config: IdpConfig): ResolvedConfig {
  const production = config.production ?? false;
  const bytes = config.randomBytes ?? randomBytes;
  const resolved: ResolvedConfig = {
    database: checkedDatabase(config.database),
    issuer: nonEmpty(config.issuer, "issuer"),
    https: checkedIssuer(config.issuer, production).protocol === "https:",
    keys: checkedKeys(config.keys, production),
    kickstart: checkedKickstart(config.kickstart ?? null, production),
    production,
    signingAlgorithm: checkedAlgorithm(config.signingAlgorithm ?? "ES256"),
    now: config.now ?? systemClock,
    randomBytes: bytes,
    // Without randomness of the caller's, Node's own way, which fetches it for many at once.
    uuid: config.randomBytes === undefined ? () => randomUUID() : () => uuidFrom(bytes(16)),
    hashing: {
      concurrency: positive(config.hashing?.concurrency ?? availableParallelism(), "hashing.concurrency", 1),
      queue: positive(config.hashing?.queue ?? 64, "hashing.queue", 0),
    },
    mail: config.mail === undefined ? null : checkedMail(config.mail),
    webhooks: {
      post: config.webhooks?.fetch === undefined ? postOverNetwork : postBy(config.webhooks.fetch),
      plainHttpTo: checkedHosts(config.webhooks?.plainHttpTo ?? []),
    },
    receive: trustedProxies(config.trustedProxies ?? []),
  };
  return Object.freeze(resolved);
}

/** True for a secret that stands in a sample and so is known to everybody. */
export function isSample(secret: string): boolean {
  return secret.trim().toLowerCase().startsWith("sample-");
}

function nonEmpty(value: string, option: string): string {
  if (typeof value !== "string" || value === "")
    throw new TypeError(`"${option}" must be a non-empty string`);
  return value;
}

// An address is never part of a message: there is a password in it.
function checkedDatabase(database: string): string {
  nonEmpty(database, "database");
  if (isPostgresAddress(database)) settingsOf(database);
  else if (/^[a-z][a-z0-9+.-]*:\/\//i.test(database) && !database.startsWith("file:")) {
    throw new TypeError(
      '"database" must be the path of a SQLite file, ":memory:" or the address of a Postgres',
    );
  }
  return database;
}

function checkedIssuer(issuer: string, production: boolean): URL {
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") {
    throw new TypeError('"issuer" must be an http or https URL without query and fragment');
  }
  // Tokens and secrets that travel in clear belong to whoever listens (RFC 9700 §2.6).
  if (production && url.protocol !== "https:" && !isLoopback(url)) {
    throw new TypeError('"issuer" must be https in production, unless it is this machine');
  }
  return url;
}

/** True for this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function checkedKeys(keys: readonly ConfigKey[], production: boolean): ResolvedConfig["keys"] {
  if (!Array.isArray(keys) || keys.length === 0) throw new TypeError('"keys" must hold at least one key');
  if (new Set(keys.map((key) => key.id)).size !== keys.length) {
    throw new TypeError('"keys" must not hold two keys of one id');
  }
  return keys.map((key, index) => checkedKey(key, `keys[${index}]`, production));
}

function checkedKey(key: ConfigKey, option: string, production: boolean): { id: string; secret: Buffer } {
  if (typeof key.id !== "string" || !/^[A-Za-z0-9_-]{1,16}$/.test(key.id)) {
    throw new TypeError(`"${option}.id" must be 1–16 characters of A–Z a–z 0–9 _ -`);
  }
  if (typeof key.secret !== "string") throw new TypeError(`"${option}.secret" must be a string`);
  if (production && isSample(key.secret)) {
    throw new TypeError(`"${option}.secret" is a sample secret; production refuses it`);
  }
  return { id: key.id, secret: secretBytes(key.secret, option) };
}

// A text that is base64url of 32 bytes or more is taken as those bytes; any other text counts by its own bytes.
function secretBytes(secret: string, option: string): Buffer {
  const decoded = /^[A-Za-z0-9_-]+$/.test(secret) ? Buffer.from(secret, "base64url") : Buffer.alloc(0);
  const bytes = decoded.length >= 32 ? decoded : Buffer.from(secret, "utf8");
  if (bytes.length < 32) throw new TypeError(`"${option}.secret" must have at least 32 bytes`);
  return bytes;
}

function checkedKickstart(kickstart: Kickstart | null, production: boolean): Kickstart | null {
  if (kickstart === null || !production) return kickstart;
  if (kickstart.apiKeys.some(({ key }) => isSample(key))) {
    throw new TypeError('"kickstart.apiKeys" holds a sample key; production refuses it');
  }
  const seeding = seedingRequest(kickstart);
  if (seeding !== -1) {
    throw new TypeError(
      `"kickstart.requests[${seeding}]" creates a user with a password; production refuses it`,
    );
  }
  // ASVS 11.5.1: 128 bits; a key of fewer characters can't be that random.
  const short = kickstart.apiKeys.findIndex(({ key }) => key.length < 32);
  if (short !== -1) {
    throw new TypeError(`"kickstart.apiKeys[${short}]" must have at least 32 characters in production`);
  }
  return kickstart;
}

function checkedAlgorithm(algorithm: SigningAlgorithm): SigningAlgorithm {
  if (!["ES256", "EdDSA", "RS256"].includes(algorithm)) {
    throw new TypeError('"signingAlgorithm" must be "ES256", "EdDSA" or "RS256"');
  }
  return algorithm;
}

function checkedHosts(hosts: readonly string[]): readonly string[] {
  const isHost = (host: string): boolean =>
    URL.canParse(`http://${host}`) && new URL(`http://${host}`).host === host;
  if (!hosts.every(isHost)) throw new TypeError('"webhooks.plainHttpTo" must hold hosts like "store:3000"');
  return hosts;
}

function positive(value: number, option: string, least: number): number {
  if (!Number.isInteger(value) || value < least) {
    throw new TypeError(`"${option}" must be an integer of at least ${least}`);
  }
  return value;
}
