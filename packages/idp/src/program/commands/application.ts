// `latchkey-idp application …`: the applications that users sign in to, which are also OAuth clients.

import { readFileSync } from "node:fs";
import { isObject } from "../../request.ts";
import { type Command, type Invocation, JSON_OPTION, jsonOf, table } from "../command.ts";
import { CommandError } from "../errors.ts";
import { operating } from "../operating.ts";
import type { Answer, Operator } from "../operator.ts";
import { codeOf } from "../variables.ts";

/** Lists applications. */
export const applicationList: Command = {
  name: "application list",
  does: "Lists the applications, deactivated ones, too",
  when: "To find an application's id, or to see which are deactivated.",
  options: JSON_OPTION,
  example: "latchkey-idp application list",
  prints:
    "a line an application: id, name, whether it is active, tenant. With --json as the API shows them, without client secrets.",
  run: (invocation) =>
    operating(invocation, async (operator) => {
      const applications = await allOf(operator);
      const lines = applications.map(({ id, name, state, tenantId }) =>
        [id, name, state, tenantId].map(String),
      );
      if (invocation.has("json")) invocation.terminal.out(jsonOf(applications.map(withoutSecret)));
      else invocation.terminal.out(table([["id", "name", "state", "tenant"], ...lines]));
      return 0;
    }),
};

/** Makes an application. */
export const applicationCreate: Command = {
  name: "application create",
  does: "Makes an application, with a client secret, that gets refresh tokens",
  when: `For each application that is to sign its users in here. What it may say of itself beyond the options is FusionAuth's "application"
object, read from a file. The library needs the id as applicationId and the secret as clientSecret.`,
  options: {
    name: { takes: "NAME", help: "unique in the tenant" },
    id: { takes: "UUID", help: "an id of your own" },
    "default-role": { takes: "NAME", help: "a role that everybody gets who registers without one" },
    role: { takes: "NAME", multiple: true, help: "a further role; several times for several" },
    from: { takes: "FILE", help: 'JSON with { "application": { … } }; the options above count before it' },
    tenant: { takes: "ID", help: "the tenant, where there are several" },
    ...JSON_OPTION,
  },
  example: "latchkey-idp application create --name Store --default-role customer",
  prints: "its id and its client secret; with --json the application as the API shows it.",
  run: (invocation) =>
    operating(invocation, async (operator) => {
      const body = { application: applicationOf(invocation) };
      const id = invocation.one("id");
      const path = `/api/application${id === undefined ? "" : `/${encodeURIComponent(id)}`}`;
      const { application } = await operator.ask("POST", path, { body, tenant: invocation.one("tenant") });
      print(invocation, application, true);
      return 0;
    }),
};

/** Shows an application. */
export const applicationShow: Command = {
  name: "application show",
  takes: "ID",
  does: "Shows an application",
  when: "To see how it is set up, or to read its client secret again. What its settings come to in force is latchkey-idp doctor's matter.",
  options: { secret: { help: "the client secret, too" }, ...JSON_OPTION },
  example: "latchkey-idp application show 10000000-0000-4000-8000-000000000001 --secret",
  prints:
    "id, name, tenant, state and with --secret the client secret; with --json the application as the API shows it.",
  run: (invocation) =>
    operating(invocation, async (operator) => {
      const path = `/api/application/${encodeURIComponent(invocation.argument)}`;
      const { application } = await operator.ask("GET", path);
      print(invocation, application, invocation.has("secret"));
      return 0;
    }),
};

// Active ones first.
async function allOf({ ask }: Operator): Promise<Answer[]> {
  const both = [await ask("GET", "/api/application"), await ask("GET", "/api/application?inactive=true")];
  return both.flatMap(({ applications }) =>
    Array.isArray(applications) ? applications.filter(isObject) : [],
  );
}

function applicationOf(invocation: Invocation): Answer {
  const { one, all } = invocation;
  const read = fromFile(one("from"));
  const name = one("name") ?? read["name"];
  const byDefault = one("default-role");
  const roles = [
    ...(byDefault === undefined ? [] : [{ name: byDefault, isDefault: true }]),
    ...all("role").map((role) => ({ name: role })),
  ];
  return {
    loginConfiguration: { generateRefreshTokens: true, requireAuthentication: true },
    oauthConfiguration: { enabledGrants: ["refresh_token"] },
    ...read,
    ...(name === undefined ? {} : { name }),
    ...(roles.length === 0 ? {} : { roles }),
  };
}

function fromFile(path: string | undefined): Answer {
  if (path === undefined) return {};
  try {
    const { application } = JSON.parse(readFileSync(path, "utf8"));
    if (isObject(application)) return application;
  } catch (error) {
    // The parser's own message quotes the file, which may hold a client secret.
    const what = error instanceof SyntaxError ? "is not JSON" : `cannot be read (${codeOf(error)})`;
    throw new CommandError(`application create: ${path} ${what}`);
  }
  throw new CommandError(`application create: ${path} must hold { "application": { … } }`);
}

function print({ has, terminal }: Invocation, application: unknown, withSecret: boolean): void {
  const shown = isObject(application) ? application : {};
  if (has("json")) return terminal.out(jsonOf(withSecret ? shown : withoutSecret(shown)));
  const { oauthConfiguration } = shown;
  const clientSecret = isObject(oauthConfiguration) ? oauthConfiguration["clientSecret"] : undefined;
  const rows = ["id", "name", "tenantId", "state"].map((name) => [name, String(shown[name])]);
  terminal.out(table(withSecret ? [...rows, ["client secret", String(clientSecret)]] : rows));
}

function withoutSecret(application: Answer): Answer {
  const { oauthConfiguration } = application;
  if (!isObject(oauthConfiguration)) return application;
  const { clientSecret: _, ...others } = oauthConfiguration;
  return { ...application, oauthConfiguration: others };
}
