// The identity provider as a program: environment → config → listen. The only file that touches `process`.
// It must not decide anything about logins or tokens, nor check what createIdp checks: it only says which
// variable was meant. Whatever stops the start is said in one line, and no line holds a value of KEYS.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { Server } from "node:http";
import { parseArgs } from "node:util";
import { type Http2Bindings, type HttpBindings, type ServerType, serve } from "@hono/node-server";
import type { ConfigKey, IdpConfig, SigningAlgorithm } from "./config.ts";
import { IdpError } from "./errors.ts";
import { createIdp, type Idp } from "./index.ts";
import { type Kickstart, parseKickstart } from "./kickstart.ts";
import type { MailConfig } from "./mail/mail-config.ts";

const help = `latchkey-idp: an identity provider that speaks FusionAuth's login and token API

It is configured by environment variables:
  PORT               port to listen on (default 9011)
  HOST               address to listen on (default 127.0.0.1)
  ISSUER             base URL that browsers and applications see, the iss of tokens (default http://localhost:PORT;
                     required in production, and https there unless it is loopback)
  DATABASE           path of the SQLite file (default ./latchkey-idp.sqlite), or :memory:
  KEYS               id:secret[,id:secret…], secrets of at least 32 bytes; the first one writes, all open
  KEYS_FILE          a file with the same, one a line; without either, development makes DATABASE.key
  KICKSTART          path of a kickstart file in FusionAuth's format, applied once to an empty database
  SIGNING_ALGORITHM  ES256 (default), EdDSA, or RS256 for clients that know nothing else
  SMTP_URL           smtp://user:password@host:587 or smtps://…: users are told by mail of a changed password or
                     login id, a new device and a copied cookie; without it they are not
  MAIL_FROM          the address that mail is from; required with SMTP_URL
  WEBHOOKS_PLAIN_HTTP_TO
                     host[:port],… that webhooks may be sent to without TLS: other machines, and this one by API keys of one tenant
  NODE_ENV           production refuses sample secrets, seeded passwords, and starting without KEYS or ISSUER
`;

// A request head or body that takes longer is an attempt to hold the connection (slow loris, CWE-400). Node looks for those
// every connectionsCheckingInterval only, by default every 30 seconds.
const serverOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
};

// What is in flight at SIGTERM gets this long; orchestrators kill after 10 s or more.
const closingDeadline = 8_000;

// createIdp names the option or gives a code; what an operator can change is a variable.
const variableOf: ReadonlyMap<string, string> = new Map([
  ["database", "DATABASE"],
  ["issuer", "ISSUER"],
  ["keys", "KEYS"],
  ["kickstart", "KICKSTART"],
  ["signingAlgorithm", "SIGNING_ALGORITHM"],
  ["mail.from", "MAIL_FROM"],
  ["mail.smtp", "SMTP_URL"],
  ["webhooks.plainHttpTo", "WEBHOOKS_PLAIN_HTTP_TO"],
  ["store-unavailable", "DATABASE"],
  ["database-too-new", "DATABASE"],
  ["sample-secret", "DATABASE"],
  ["cannot-unseal", "KEYS"],
  ["kickstart-invalid", "KICKSTART"],
  ["kickstart-failed", "KICKSTART"],
]);

/** A variable whose value stops the start. */
class BadVariableError extends Error {
  constructor(variable: string, what: string) {
    super(`${variable}: ${what}`);
  }
}

await main();

async function main(): Promise<void> {
  try {
    if (asksForHelp()) print(help);
    else await run();
  } catch (error) {
    const reason = reasonToStop(error);
    // A surprise keeps its stack: nobody could act on one line.
    if (reason === null) throw error;
    process.stderr.write(`latchkey-idp: ${reason}\n`);
    process.exitCode = 1;
  }
}

function asksForHelp(): boolean {
  return parseArgs({ options: { help: { type: "boolean", short: "h", default: false } } }).values.help;
}

async function run(): Promise<void> {
  const hostname = variable("HOST") ?? "127.0.0.1";
  const port = portFrom(variable("PORT") ?? "9011");
  const config = configFor(port);
  const idp = await createIdp(config);
  try {
    const server = await listen(idp, hostname, port);
    closeOnSignal(server, idp);
    print(`latchkey-idp listens on ${urlOf(server)}, issuer ${config.issuer}, database ${config.database}\n`);
  } catch (error) {
    await idp.close();
    throw error;
  }
}

function configFor(port: number): IdpConfig {
  const production = isProduction();
  const database = variable("DATABASE") ?? "./latchkey-idp.sqlite";
  const kickstart = kickstartFrom(variable("KICKSTART"));
  const signingAlgorithm = algorithmFrom(variable("SIGNING_ALGORITHM"));
  const mail = mailFrom(variable("SMTP_URL"), variable("MAIL_FROM"));
  const plainHttpTo = variable("WEBHOOKS_PLAIN_HTTP_TO")?.split(",") ?? [];
  return {
    database,
    production,
    issuer: variable("ISSUER") ?? defaultIssuer(port, production),
    keys: keysGiven() ?? developmentKeys(database, production),
    webhooks: { plainHttpTo: plainHttpTo.map((host) => host.trim()) },
    ...(mail && { mail }),
    ...(kickstart && { kickstart }),
    ...(signingAlgorithm && { signingAlgorithm }),
  };
}

function variable(name: string): string | undefined {
  return process.env[name] || undefined;
}

function portFrom(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new BadVariableError("PORT", "must be a port, 0 to 65535");
  return Number(text);
}

// An unknown word must not count as development: a typing error would accept sample secrets.
function isProduction(): boolean {
  const environment = variable("NODE_ENV") ?? "development";
  if (!["production", "development", "test"].includes(environment)) {
    throw new BadVariableError("NODE_ENV", "must be production, development or test");
  }
  return environment === "production";
}

function defaultIssuer(port: number, production: boolean): string {
  if (production) throw new BadVariableError("ISSUER", "must be set in production");
  if (port === 0) throw new BadVariableError("ISSUER", "must be set when PORT is 0");
  return `http://localhost:${port}`;
}

function algorithmFrom(text: string | undefined): SigningAlgorithm | undefined {
  if (text === undefined || text === "ES256" || text === "EdDSA" || text === "RS256") return text;
  throw new BadVariableError("SIGNING_ALGORITHM", "must be ES256, EdDSA or RS256");
}

function mailFrom(smtp: string | undefined, from: string | undefined): MailConfig | undefined {
  if (smtp !== undefined && from !== undefined) return { smtp, from };
  if (smtp !== undefined) throw new BadVariableError("MAIL_FROM", "must be set besides SMTP_URL");
  if (from !== undefined) throw new BadVariableError("SMTP_URL", "must be set besides MAIL_FROM");
  return undefined;
}

function kickstartFrom(path: string | undefined): Kickstart | undefined {
  if (path === undefined) return undefined;
  return parseKickstart(parsedFile(path), process.env);
}

function parsedFile(path: string): unknown {
  const text = contentOf(path, "KICKSTART");
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the file, which holds API keys.
    throw new BadVariableError("KICKSTART", `${path} is not JSON`);
  }
}

function contentOf(path: string, variableName: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new BadVariableError(variableName, `${path} cannot be read (${codeOf(error)})`);
  }
}

function keysGiven(): ConfigKey[] | undefined {
  const text = variable("KEYS");
  const path = variable("KEYS_FILE");
  if (text !== undefined && path !== undefined)
    throw new BadVariableError("KEYS", "must not be set besides KEYS_FILE");
  if (text !== undefined) return keysFrom(text, "KEYS");
  return path === undefined ? undefined : keysFrom(contentOf(path, "KEYS_FILE"), "KEYS_FILE");
}

function keysFrom(text: string, variableName: string): ConfigKey[] {
  const entries = text.split(/[,\n]/).map((entry) => entry.trim());
  return entries
    .filter((entry) => entry !== "")
    .map((entry, index) => {
      const [id, secret] = entry.split(/:(.*)/s);
      if (!id || !secret) throw new BadVariableError(variableName, `entry ${index + 1} must be id:secret`);
      return { id, secret };
    });
}

function developmentKeys(database: string, production: boolean): ConfigKey[] {
  if (production) throw new BadVariableError("KEYS", "must be set in production (or KEYS_FILE)");
  const entry = `development:${randomBytes(32).toString("base64url")}`;
  if (database === ":memory:") {
    print("latchkey-idp: KEYS is not set; a new key is used for as long as this database is in memory\n");
    return keysFrom(entry, "KEYS");
  }
  const path = `${database}.key`;
  const made = wroteNewFile(path, `${entry}\n`);
  print(`latchkey-idp: KEYS is not set; the key for development is in ${path}${made ? ", made now" : ""}\n`);
  return keysFrom(contentOf(path, "KEYS_FILE"), "KEYS_FILE");
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

async function listen(idp: Idp, hostname: string, port: number): Promise<ServerType> {
  const fetch = (request: Request, { incoming }: HttpBindings | Http2Bindings) =>
    idp.fetch(request, { address: incoming.socket.remoteAddress });
  const server = serve({ fetch, hostname, port, serverOptions });
  try {
    await once(server, "listening");
    return server;
  } catch (error) {
    throw new BadVariableError(...listenFailure(codeOf(error), hostname, port));
  }
}

function listenFailure(code: string, hostname: string, port: number): [name: string, what: string] {
  if (code === "EADDRINUSE") return ["PORT", `${port} is in use on ${hostname}`];
  if (code === "EACCES") return ["PORT", `${port} may not be used by this user`];
  return ["HOST", `cannot listen on ${hostname} (${code})`];
}

function urlOf(server: ServerType): string {
  const address = server.address();
  if (address === null || typeof address === "string") return String(address);
  return `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}

// `once`: a further signal of the same kind ends the process the way signals do.
function closeOnSignal(server: ServerType, idp: Idp): void {
  let closing = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      if (!closing) close(server, idp);
      closing = true;
    });
  }
}

function close(server: ServerType, idp: Idp): void {
  if (server instanceof Server) {
    // A connection that waits for its answer is not kept for another request after it.
    server.keepAliveTimeout = 1;
    setTimeout(() => server.closeAllConnections(), closingDeadline).unref();
  }
  server.close(() => void idp.close());
}

/** What to say of an error that an operator can act on; null for a surprise. */
function reasonToStop(error: unknown): string | null {
  if (error instanceof BadVariableError) return error.message;
  const code = codeOf(error);
  if (code.startsWith("ERR_PARSE_ARGS")) return "knows no arguments but --help, which names its variables";
  if (error instanceof IdpError) return `${variableOf.get(code) ?? code}: ${error.message}${causeOf(error)}`;
  if (!(error instanceof TypeError)) return null;
  const [, option = "", part = ""] = /^"([a-zA-Z]+)(\.[a-zA-Z]+)?/.exec(error.message) ?? [];
  const name = variableOf.get(option) ?? variableOf.get(option + part);
  return name === undefined ? null : `${name}: ${error.message}`;
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? ` (${error.cause.message})` : "";
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

function print(text: string): void {
  process.stdout.write(text);
}
