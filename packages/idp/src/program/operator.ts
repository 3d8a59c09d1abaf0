// What a command works with: the provider's own router on the server's database, asked in this process by a key that exists nowhere
// else. So every rule and every message is the HTTP API's, nothing listens, and no API key has to be known: who runs this has the
// database and the keys it is sealed with, and is stopped by the operating system or not at all.

import { assembled } from "../assembly.ts";
import { type IdpConfig, resolveConfig } from "../config.ts";
import type { Provider } from "../provider.ts";
import { isObject } from "../request.ts";
import { createRouter } from "../routes.ts";
import { openStore } from "../store/open.ts";
import type { ApiKey } from "../store/records.ts";
import { CommandError } from "./errors.ts";

/** The provider, opened for a command. */
export interface Operator {
  readonly provider: Provider;
  /** What the API answers; throws CommandError with what it says where it refuses. */
  ask(
    method: string,
    path: string,
    options?: { body?: object; tenant?: string | undefined },
  ): Promise<Answer>;
  close(): Promise<void>;
}

/** The JSON of an answer. */
export type Answer = Record<string, unknown>;

/** Opens the provider without serving: nothing is delivered, swept or made. Throws as createIdp does. */
export async function openForOperator(given: IdpConfig): Promise<Operator> {
  const resolved = resolveConfig(given);
  const told = { uuid: resolved.uuid, mails: resolved.mail !== null };
  const store = await openStore(resolved.database, given.now ?? null, told);
  try {
    const config = { ...resolved, now: store.now };
    const provider = await assembled(config, store);
    const router = createRouter(provider, operatorKey(config.now(), config.uuid()));
    return {
      provider,
      ask: (method, path, { body, tenant } = {}) => {
        const headers = new Headers();
        if (tenant !== undefined) headers.set("x-fusionauth-tenantid", tenant);
        if (body !== undefined) headers.set("content-type", "application/json");
        const init = { method, headers, body: body === undefined ? null : JSON.stringify(body) };
        return router(new Request(new URL(path, config.issuer), init), {}).then(answerOf);
      },
      async close() {
        await provider.passwords.idle();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function operatorKey(now: number, id: string): ApiKey {
  return {
    id,
    name: "operator",
    // No text has this hash.
    hash: "",
    keyManager: true,
    tenantId: null,
    permissions: {},
    metaData: {},
    expirationInstant: null,
    sample: false,
    version: 1,
    insertInstant: now,
    lastUpdateInstant: now,
  };
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const body: unknown = text === "" ? {} : JSON.parse(text);
  if (response.ok && isObject(body)) return body;
  throw new CommandError(refusalIn(response.status, body));
}

const REFUSALS: Readonly<Record<number, string>> = {
  404: "there is no such thing in this database",
  503: "the database can't be used now, or too much is asked of it; nothing was changed",
};

function refusalIn(status: number, body: unknown): string {
  if (!isObject(body)) return REFUSALS[status] ?? `refused with ${status}`;
  const fields = isObject(body["fieldErrors"]) ? Object.values(body["fieldErrors"]) : [];
  const messages = [...fields, body["generalErrors"]]
    .flat()
    .flatMap((entry) => (isObject(entry) && typeof entry["message"] === "string" ? [entry["message"]] : []));
  return messages.join(" ") || (REFUSALS[status] ?? `refused with ${status}`);
}
