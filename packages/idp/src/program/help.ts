// What `latchkey-idp --help` prints: the commands and the variables, which are the same for all of them.

import { type Command, table } from "./command.ts";

const VARIABLES: readonly (readonly [name: string, says: string])[] = [
  ["PORT", "port to listen on (default 9011)"],
  ["HOST", "address to listen on (default 127.0.0.1)"],
  [
    "ISSUER",
    "base URL that browsers and applications see, the iss of tokens (default http://localhost:PORT; required in production, and https there unless it is loopback)",
  ],
  ["DATABASE", "path of the SQLite file (default ./latchkey-idp.sqlite), or :memory:"],
  ["DATABASE_URL", "postgres://user:password@host:5432/name, or sqlite:path; instead of DATABASE"],
  [
    "KEYS",
    "id:secret[,id:secret…], secrets of at least 32 bytes; the first one writes, all open; without it development makes DATABASE.key",
  ],
  ["KEYS_FILE", "a file with the same, one a line"],
  [
    "KICKSTART",
    "path of a kickstart file in FusionAuth's format, applied once to an empty database; #{ENV.NAME} in it is NAME or what is in NAME_FILE",
  ],
  ["SIGNING_ALGORITHM", "ES256 (default), EdDSA, or RS256 for clients that know nothing else"],
  [
    "SMTP_URL",
    "smtp://user:password@host:587 or smtps://…: users are told by mail of a changed password or login id, a new device and a copied cookie; without it they are not",
  ],
  ["MAIL_FROM", "the address that mail is from; required with SMTP_URL"],
  [
    "WEBHOOKS_PLAIN_HTTP_TO",
    "host[:port],… that webhooks may be sent to without TLS: other machines, and this one by API keys of one tenant",
  ],
  [
    "TRUSTED_PROXIES",
    "addresses, ranges like 10.0.0.0/8, or loopback, comma-separated: whose X-Forwarded-For is believed (default nobody's)",
  ],
  [
    "DRAIN_SECONDS",
    "how long requests are taken after SIGTERM while /api/status says 503 (default 5 in production, else 0)",
  ],
  ["LOG_LEVEL", "fatal, error, warn, info (default), debug, trace or silent"],
  [
    "METRICS_PORT",
    "port for Prometheus' metrics (default none); METRICS_HOST is its address (default 127.0.0.1)",
  ],
  ["NODE_ENV", "production refuses sample secrets, seeded passwords, and starting without KEYS or ISSUER"],
];

const WIDTH = 110;

/** All commands and all variables. */
export function helpOfAll(commands: readonly Command[]): string {
  const names = commands.map(({ name, takes, does }) => [
    takes === undefined ? name : `${name} ${takes}`,
    does,
  ]);
  return `latchkey-idp: an identity provider that speaks FusionAuth's login and token API

Commands (without one, serve; each has --help):
${table(names, "  ")}
All commands work on the database of the server, with the server's variables, also while servers run:
${VARIABLES.map(([name, says]) => entry(name, says)).join("")}
DATABASE_URL, KEYS and SMTP_URL may also stand in a file, which DATABASE_URL_FILE, KEYS_FILE or SMTP_URL_FILE names.
`;
}

/** The commands that begin with one word. */
export function helpOfSeveral(commands: readonly Command[]): string {
  const names = commands.map(({ name, takes, does }) => [
    `latchkey-idp ${name}${takes ? ` ${takes}` : ""}`,
    does,
  ]);
  return `${table(names)}\nEach has --help.\n`;
}

function entry(name: string, says: string): string {
  const indent = " ".repeat(25);
  const lines: string[] = [];
  for (const word of says.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > WIDTH - indent.length) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return `  ${name.padEnd(indent.length - 2)}${lines.join(`\n${indent}`)}\n`;
}
