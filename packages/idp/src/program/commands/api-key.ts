// `latchkey-idp api-key …`: the keys that applications call the API with. A key's value is shown once, when it is made.

import { isObject } from "../../request.ts";
import { cell, type Command, type Invocation, JSON_OPTION, jsonOf, table } from "../command.ts";
import { instantOf, millisecondsOf } from "../duration.ts";
import { CommandError } from "../errors.ts";
import { operating } from "../operating.ts";
import type { Answer, Operator } from "../operator.ts";

/** Lists API keys. */
export const apiKeyList: Command = {
  name: "api-key list",
  does: "Lists the API keys, without their values",
  when: "To see who may call the API, and what with.",
  options: JSON_OPTION,
  example: "latchkey-idp api-key list",
  prints: "a line a key: id, name, what it may do, until when. With --json as the API shows them.",
  run: (invocation) =>
    operating(invocation, async (operator) => {
      const keys = await keysOf(operator);
      if (invocation.has("json")) invocation.terminal.out(jsonOf(keys));
      else invocation.terminal.out(table([["id", "name", "until", "may"], ...keys.map(lineOf)]));
      return 0;
    }),
};

/** Makes an API key. */
export const apiKeyCreate: Command = {
  name: "api-key create",
  does: "Makes an API key and shows its value, this once",
  when: `For each application that calls the API. Say with --allow what it needs and no more: without any it may do everything. Of an
application with the library: the five of the example.`,
  options: {
    name: { takes: "NAME", help: "what it is for" },
    allow: {
      takes: "'VERB[,VERB] PATH'",
      multiple: true,
      help: "calls of this path without its ids; several times for several",
    },
    expires: { takes: "90d", help: "it is refused after this time" },
    tenant: { takes: "ID", help: "it reaches no other tenant" },
    ...JSON_OPTION,
  },
  example: `latchkey-idp api-key create --name Store --expires 365d \\
  --allow 'POST /api/login' --allow 'GET,DELETE /api/jwt/refresh' --allow 'GET,POST /api/user' \\
  --allow 'POST /api/user/change-password' --allow 'POST /api/user/registration'`,
  prints:
    "the value of the key and nothing else; with --json the key as the API shows it, its value included.",
  run: (invocation) =>
    operating(invocation, async (operator) => {
      const { one, terminal, has } = invocation;
      const apiKey = {
        name: one("name"),
        tenantId: one("tenant"),
        permissions: { endpoints: endpointsOf(invocation) },
        expirationInstant: expirationOf(operator, one("expires")),
      };
      const answer = await operator.ask("POST", "/api/api-key", { body: { apiKey } });
      const made = isObject(answer["apiKey"]) ? answer["apiKey"] : {};
      terminal.out(has("json") ? jsonOf(made) : `${String(made["key"])}\n`);
      if (!has("json")) terminal.err(`latchkey-idp: the key ${String(made["id"])} is not shown again\n`);
      return 0;
    }),
};

/** Deletes an API key. */
export const apiKeyDelete: Command = {
  name: "api-key delete",
  takes: "ID",
  does: "Deletes an API key: who calls with it is refused from now on",
  when: "When it is not needed any more, or somebody else may have it. Make another one first, and give it to the application.",
  example: "latchkey-idp api-key delete 7c8ad2fe-9d4e-4e0e-8a44-3a1e2d2d5b0e",
  prints: "the id.",
  run: (invocation) =>
    operating(invocation, async ({ ask }) => {
      await ask("DELETE", `/api/api-key/${encodeURIComponent(invocation.argument)}`);
      invocation.terminal.out(`${invocation.argument}\n`);
      return 0;
    }),
};

async function keysOf({ provider, ask }: Operator): Promise<Answer[]> {
  const keys: Answer[] = [];
  for (const { id } of await provider.store.apiKeys.list()) {
    const { apiKey } = await ask("GET", `/api/api-key/${id}`);
    if (isObject(apiKey)) keys.push(apiKey);
  }
  return keys;
}

function endpointsOf({ all }: Invocation): Record<string, string[]> {
  const endpoints: Record<string, string[]> = {};
  for (const allowed of all("allow")) {
    const [, verbs = "", path = ""] = /^([A-Za-z]+(?:,[A-Za-z]+)*) +(\/\S*)$/.exec(allowed) ?? [];
    if (path === "")
      throw new CommandError(`api-key create: --allow must be like 'GET,DELETE /api/jwt/refresh'`);
    endpoints[path] = [...(endpoints[path] ?? []), ...verbs.toUpperCase().split(",")];
  }
  return endpoints;
}

function expirationOf({ provider }: Operator, expires: string | undefined): number | undefined {
  return expires === undefined ? undefined : provider.config.now() + millisecondsOf(expires, "expires");
}

function lineOf({ id, name, expirationInstant, permissions, keyManager, tenantId }: Answer): string[] {
  const endpoints =
    isObject(permissions) && isObject(permissions["endpoints"]) ? permissions["endpoints"] : {};
  const allowed = Object.entries(endpoints).map(([path, verbs]) => `${[verbs].flat().join(",")} ${path}`);
  const may = [
    allowed.length === 0 ? "everything" : allowed.join("; "),
    ...(tenantId === undefined ? [] : [`in ${cell(tenantId)}`]),
    ...(keyManager === true ? ["and manage keys"] : []),
  ];
  const until = typeof expirationInstant === "number" ? instantOf(expirationInstant) : "for ever";
  return [cell(id), cell(name), until, may.join(" ")];
}
