// Why something did not go, in one line for an operator: by the name of what he can change, and never with a secret.

import { IdpError } from "../errors.ts";
import { databaseVariable } from "./environment.ts";
import { BadVariableError, CommandError } from "./errors.ts";
import { codeOf, type Variables } from "./variables.ts";

// createIdp names the option or gives a code; what an operator can change is a variable.
const variableOf: ReadonlyMap<string, string> = new Map([
  ["issuer", "ISSUER"],
  ["keys", "KEYS"],
  ["kickstart", "KICKSTART"],
  ["signingAlgorithm", "SIGNING_ALGORITHM"],
  ["mail.from", "MAIL_FROM"],
  ["mail.smtp", "SMTP_URL"],
  ["webhooks.plainHttpTo", "WEBHOOKS_PLAIN_HTTP_TO"],
  ["trustedProxies", "TRUSTED_PROXIES"],
  ["cannot-unseal", "KEYS"],
  ["kickstart-invalid", "KICKSTART"],
  ["kickstart-failed", "KICKSTART"],
]);

const ofDatabase: ReadonlySet<string> = new Set([
  "database",
  "store-unavailable",
  "database-too-new",
  "sample-secret",
]);

/** What to say of an error that an operator can act on; null for a surprise. */
export function reasonFor(error: unknown, variables: Variables): string | null {
  if (error instanceof BadVariableError || error instanceof CommandError) return error.message;
  const nameOf = (what: string): string | null =>
    ofDatabase.has(what) ? databaseVariable(variables) : (variableOf.get(what) ?? null);
  const code = codeOf(error);
  if (error instanceof IdpError) return `${nameOf(code) ?? code}: ${error.message}${causeOf(error)}`;
  if (!(error instanceof TypeError)) return null;
  const [, option = "", part = ""] = /^"([a-zA-Z]+)(\.[a-zA-Z]+)?/.exec(error.message) ?? [];
  const name = nameOf(option) ?? nameOf(option + part);
  return name === null ? null : `${name}: ${error.message}`;
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? ` (${error.cause.message})` : "";
}
