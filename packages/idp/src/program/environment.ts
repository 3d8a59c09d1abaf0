// From variables to the configuration of the provider, for the server and for every command alike. It must not check what createIdp
// checks: it only says which variable was meant. No message holds a secret.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { ConfigKey, IdpConfig, SigningAlgorithm } from "../config.ts";
import { type Kickstart, parseKickstart } from "../kickstart.ts";
import type { MailConfig } from "../mail/mail-config.ts";
import { isPostgresAddress } from "../store/postgres/address.ts";
import { BadVariableError } from "./errors.ts";
import { codeOf, contentOf, plain, secret, type Variables } from "./variables.ts";

/** What the variables come to. */
export interface Environment {
  config: IdpConfig;
  /** The database without its password, to be shown. */
  database: string;
  /** Remarks on what was done without being asked for. */
  remarks: readonly string[];
}

/** Where the server listens and how it ends. */
export interface Listening {
  hostname: string;
  port: number;
  /** How long requests are still taken after SIGTERM. */
  drainSeconds: number;
}

// What spreads requests over several nodes needs some seconds to notice that one of them is about to end.
const DRAIN_SECONDS_IN_PRODUCTION = 5;

/** Where the server listens; throws BadVariableError. */
export function listeningFrom(variables: Variables): Listening {
  const drain = isProduction(variables) ? DRAIN_SECONDS_IN_PRODUCTION : 0;
  return {
    hostname: plain(variables, "HOST") ?? "127.0.0.1",
    port: portFrom(variables),
    drainSeconds: whole(variables, "DRAIN_SECONDS", 600) ?? drain,
  };
}

/** What is left out: with `kickstart` false that file is not read, with `makesKeys` false no key for development is made. */
export interface Leaving {
  kickstart?: boolean;
  makesKeys?: boolean;
}

/** The configuration; throws BadVariableError, KickstartInvalidError. */
export function environmentFrom(
  variables: Variables,
  { kickstart = true, makesKeys = true }: Leaving = {},
): Environment {
  const production = isProduction(variables);
  const database = databaseFrom(variables);
  const { keys, remarks } = keysFrom(variables, { database, production, makesKeys });
  const read = kickstart ? kickstartFrom(variables) : undefined;
  const signingAlgorithm = algorithmFrom(plain(variables, "SIGNING_ALGORITHM"));
  const mail = mailFrom(variables);
  const config: IdpConfig = {
    database,
    production,
    keys,
    issuer: plain(variables, "ISSUER") ?? defaultIssuer(portFrom(variables), production),
    webhooks: { plainHttpTo: listIn(variables, "WEBHOOKS_PLAIN_HTTP_TO") },
    trustedProxies: listIn(variables, "TRUSTED_PROXIES"),
    ...(mail && { mail }),
    ...(read && { kickstart: read }),
    ...(signingAlgorithm && { signingAlgorithm }),
  };
  return { config, database: shown(database), remarks };
}

/** The path of a SQLite file, or the address of a Postgres; throws BadVariableError. */
export function databaseFrom(variables: Variables): string {
  const path = plain(variables, "DATABASE");
  const given = secret(variables, "DATABASE_URL");
  if (given === undefined) return path ?? "./latchkey-idp.sqlite";
  if (path !== undefined) throw new BadVariableError("DATABASE", "must not be set besides DATABASE_URL");
  if (isPostgresAddress(given.value)) return given.value;
  const [, file] = /^sqlite:(.+)$/s.exec(given.value) ?? [];
  if (file === undefined)
    throw new BadVariableError(
      given.variable,
      "must be like postgres://user:password@host/name or sqlite:path",
    );
  return file;
}

/** The variable that names the database, to be blamed for it. */
export function databaseVariable(variables: Variables): string {
  return plain(variables, "DATABASE_URL_FILE")
    ? "DATABASE_URL_FILE"
    : plain(variables, "DATABASE_URL")
      ? "DATABASE_URL"
      : "DATABASE";
}

// An unknown word must not count as development: a typing error would accept sample secrets.
function isProduction(variables: Variables): boolean {
  const environment = plain(variables, "NODE_ENV") ?? "development";
  if (!["production", "development", "test"].includes(environment)) {
    throw new BadVariableError("NODE_ENV", "must be production, development or test");
  }
  return environment === "production";
}

function portFrom(variables: Variables): number {
  const port = whole(variables, "PORT", 65_535, "must be a port, 0 to 65535");
  return port ?? 9011;
}

function whole(
  variables: Variables,
  name: string,
  most: number,
  what = `must be 0 to ${most}`,
): number | undefined {
  const text = plain(variables, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) > most) throw new BadVariableError(name, what);
  return Number(text);
}

function defaultIssuer(port: number, production: boolean): string {
  if (production) throw new BadVariableError("ISSUER", "must be set in production");
  if (port === 0) throw new BadVariableError("ISSUER", "must be set when PORT is 0");
  return `http://localhost:${port}`;
}

function listIn(variables: Variables, name: string): string[] {
  const entries = plain(variables, name)?.split(",") ?? [];
  return entries.map((entry) => entry.trim());
}

function algorithmFrom(text: string | undefined): SigningAlgorithm | undefined {
  if (text === undefined || text === "ES256" || text === "EdDSA" || text === "RS256") return text;
  throw new BadVariableError("SIGNING_ALGORITHM", "must be ES256, EdDSA or RS256");
}

function mailFrom(variables: Variables): MailConfig | undefined {
  const smtp = secret(variables, "SMTP_URL")?.value;
  const from = plain(variables, "MAIL_FROM");
  if (smtp !== undefined && from !== undefined) return { smtp, from };
  if (smtp !== undefined) throw new BadVariableError("MAIL_FROM", "must be set besides SMTP_URL");
  if (from !== undefined) throw new BadVariableError("SMTP_URL", "must be set besides MAIL_FROM");
  return undefined;
}

function kickstartFrom(variables: Variables): Kickstart | undefined {
  const path = plain(variables, "KICKSTART");
  if (path === undefined) return undefined;
  const text = contentOf(path, "KICKSTART");
  return parseKickstart(parsed(text, path), { ...variables, ...secretsNamedIn(text, variables) });
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the file, which holds API keys.
    throw new BadVariableError("KICKSTART", `${path} is not JSON`);
  }
}

// What a kickstart takes from the environment are API keys, client secrets and passwords. Only those it names are looked for: other
// programs have variables that end in _FILE, too.
function secretsNamedIn(text: string, variables: Variables): Record<string, string> {
  const names = Array.from(text.matchAll(/#\{ENV\.([A-Za-z0-9_]+)\}/g), ([, name = ""]) => name);
  return Object.fromEntries(
    [...new Set(names)].flatMap((name) => {
      const given = secret(variables, name);
      return given === undefined ? [] : [[name, given.value]];
    }),
  );
}

function keysFrom(
  variables: Variables,
  { database, production, makesKeys }: { database: string; production: boolean; makesKeys: boolean },
): { keys: ConfigKey[]; remarks: string[] } {
  const given = secret(variables, "KEYS");
  if (given !== undefined) return { keys: keysIn(given.value, given.variable), remarks: [] };
  if (production) throw new BadVariableError("KEYS", "must be set in production (or KEYS_FILE)");
  // The nodes of a database on the network must have the same.
  if (isPostgresAddress(database))
    throw new BadVariableError("KEYS", "must be set with Postgres (or KEYS_FILE)");
  return developmentKeys(database, makesKeys);
}

function keysIn(text: string, variable: string): ConfigKey[] {
  const entries = text.split(/[,\n]/).map((entry) => entry.trim());
  return entries
    .filter((entry) => entry !== "")
    .map((entry, index) => {
      const [id, value] = entry.split(/:(.*)/s);
      if (!id || !value) throw new BadVariableError(variable, `entry ${index + 1} must be id:secret`);
      return { id, secret: value };
    });
}

function developmentKeys(database: string, makesKeys: boolean): { keys: ConfigKey[]; remarks: string[] } {
  const entry = `development:${randomBytes(32).toString("base64url")}`;
  if (database === ":memory:") {
    const remark = "KEYS is not set; a new key is used for as long as this database is in memory";
    return { keys: keysIn(entry, "KEYS"), remarks: [remark] };
  }
  const path = `${database}.key`;
  const made = makesKeys && wroteNewFile(path, `${entry}\n`);
  const remark = `KEYS is not set; the key for development is in ${path}${made ? ", made now" : ""}`;
  return { keys: keysIn(contentOf(path, "KEYS_FILE"), "KEYS_FILE"), remarks: [remark] };
}

/** False where the file exists already; it is neither followed nor overwritten (CWE-59, CWE-377). */
function wroteNewFile(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw new BadVariableError("DATABASE", `${path} cannot be written (${codeOf(error)})`);
  }
}

function shown(database: string): string {
  if (!isPostgresAddress(database)) return database;
  const url = URL.canParse(database) ? new URL(database) : null;
  return url === null ? "Postgres" : `${url.protocol}//${url.host}${url.pathname}`;
}
