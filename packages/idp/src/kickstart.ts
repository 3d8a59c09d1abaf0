// FusionAuth's kickstart file: what a new, empty provider starts with. This file reads it – variables put in,
// shape checked – and must not apply it: apply-kickstart.ts does.
// Whatever FusionAuth's format has and this provider has not is refused by name, because a part that is
// silently left out is a key without its restriction or a user without their role.

import { randomUUID } from "node:crypto";
import { z } from "zod";
import { KickstartInvalidError } from "./errors.ts";
import { isObject } from "./request.ts";

/** An API key that exists from the first start on. */
export interface KickstartApiKey {
  key: string;
  id?: string;
  description?: string;
  keyManager?: boolean;
  tenantId?: string;
  permissions?: { endpoints: Record<string, string[]> };
}

/**
 * A request to the provider's own API, made with the first API key. FusionAuth wants that key unrestricted; here
 * it may be restricted to what the requests need, and a request beyond that fails by its number.
 */
export interface KickstartRequest {
  method: string;
  url: string;
  body?: unknown;
  tenantId?: string;
}

/** A kickstart file whose variables have been put in and whose shape has been checked. */
export interface Kickstart {
  /** The id of the default tenant, from the variable of that name; a new one without it. */
  defaultTenantId?: string;
  apiKeys: KickstartApiKey[];
  requests: KickstartRequest[];
}

/**
 * Reads a kickstart file that has been parsed as JSON. `environment` answers `#{ENV.NAME}`, `uuid` answers
 * `#{UUID()}`, each time anew.
 * @throws KickstartInvalidError for anything wrong, with its place; never anything else for any JSON.
 * @example
 * const kickstart = parseKickstart(JSON.parse(await readFile("kickstart.json", "utf8")), process.env);
 * const idp = await createIdp({ database, issuer, keys, kickstart });
 */
export function parseKickstart(
  file: unknown,
  environment: Record<string, string | undefined> = {},
  uuid: () => string = randomUUID,
): Kickstart {
  if (!isObject(file)) throw new KickstartInvalidError("the file", "must be a JSON object");
  const { variables, ...rest } = file;
  const references: References = { environment, uuid, variables: new Map() };
  readVariables(variables, references);
  const kickstart = checkedShape(substitute(rest, "", references));
  const defaultTenantId = readDefaultTenantId(references);
  return defaultTenantId === null ? kickstart : { ...kickstart, defaultTenantId };
}

/** FusionAuth's one variable with a meaning: requests name the default tenant by it. */
function readDefaultTenantId({ variables }: References): string | null {
  const id = variables.get("defaultTenantId");
  if (id === undefined) return null;
  const { data } = z.uuid().safeParse(id);
  if (data === undefined) throw new KickstartInvalidError("variables.defaultTenantId", "must be a UUID");
  return data.toLowerCase();
}

interface References {
  environment: Record<string, string | undefined>;
  uuid: () => string;
  variables: Map<string, unknown>;
}

// A variable sees those before it and no other, so that there is no loop to find.
function readVariables(variables: unknown, references: References): void {
  if (variables === undefined) return;
  if (!isObject(variables)) throw new KickstartInvalidError("variables", "must be an object");
  for (const [name, value] of Object.entries(variables)) {
    const place = `variables${step(name)}`;
    if (name === "tenantManagerApplicationId") {
      throw new KickstartInvalidError(place, "is not supported: there is no such application here");
    }
    if (!/^[^{}]+$/.test(name) || name === "UUID()" || name.startsWith("ENV.")) {
      throw new KickstartInvalidError(place, "cannot be the name of a variable");
    }
    references.variables.set(name, substitute(value, place, references));
  }
}

// Deeper than any request of ours, and shallow enough for the stack whatever the file holds.
const deepest = 64;

function substitute(value: unknown, place: string, references: References, depth = 0): unknown {
  if (depth > deepest) throw new KickstartInvalidError(place, `is nested more than ${deepest} levels deep`);
  if (typeof value === "string") return substituteText(value, place, references);
  if (Array.isArray(value)) {
    return value.map((item, index) => substitute(item, `${place}[${index}]`, references, depth + 1));
  }
  if (!isObject(value)) return value;
  // fromEntries defines members; assigning `__proto__` would set a prototype (CWE-1321).
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      return [name, substitute(member, place + step(name), references, depth + 1)];
    }),
  );
}

/** One pass: what is put in is not read again, so a value from the environment cannot refer to another (CWE-94). */
function substituteText(text: string, place: string, references: References): unknown {
  const only = /^#\{([^{}]*)\}$/.exec(text);
  if (only?.[1] !== undefined) return valueOf(only[1], place, references);
  return text.replaceAll(
    /\\([#@&]\{)|[@&]\{[^{}]*\}|#\{([^{}]*)(\}?)/g,
    (_, escaped?: string, name?: string, end?: string) => {
      if (escaped !== undefined) return escaped;
      if (name === undefined)
        throw new KickstartInvalidError(place, "includes of other files are not supported");
      if (end === "")
        throw new KickstartInvalidError(
          place,
          "a reference that #{ begins is not ended; a literal #{ is \\#{",
        );
      return textOf(valueOf(name, place, references), name, place);
    },
  );
}

function valueOf(name: string, place: string, { environment, uuid, variables }: References): unknown {
  if (name === "UUID()") return uuid();
  if (variables.has(name)) return variables.get(name);
  const shown = name.slice(0, 80);
  if (!name.startsWith("ENV.")) {
    const given = /^(FUSIONAUTH_|TENANT_MANAGER)/.test(name);
    const reason = given ? "is FusionAuth's own and not provided here" : "is not defined before its use";
    throw new KickstartInvalidError(place, `variable ${shown} ${reason}`);
  }
  const variable = name.slice("ENV.".length);
  const value = Object.hasOwn(environment, variable) ? environment[variable] : undefined;
  if (value === undefined) {
    throw new KickstartInvalidError(place, `environment variable ${shown.slice("ENV.".length)} is not set`);
  }
  return value;
}

function textOf(value: unknown, name: string, place: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new KickstartInvalidError(place, `variable ${name} is no text and cannot stand inside one`);
}

const uuid = z.uuid("must be a UUID");

const apiKey = z.strictObject({
  key: z.string().min(1, "must not be empty"),
  id: z.exactOptional(uuid),
  description: z.exactOptional(z.string()),
  keyManager: z.exactOptional(z.boolean()),
  tenantId: z.exactOptional(uuid),
  permissions: z.exactOptional(
    z.strictObject({
      endpoints: z.record(
        z.string().startsWith("/", "must start with /"),
        z.array(z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"])),
      ),
    }),
  ),
});

const request = z.strictObject({
  method: z.enum(["POST", "PUT", "PATCH"]),
  // A path of this provider and nothing else: `//host` and `/\host` name another one (WHATWG URL §4.4), and a
  // line break would end the request line (CWE-113).
  url: z
    .string()
    .regex(/^\/(?![/\\])[^\s\\#\p{Cc}]*$/u, "must be a path such as /api/user, without white space"),
  body: z.exactOptional(z.custom<object>(isObject, "must be an object")),
  tenantId: z.exactOptional(uuid),
  contentType: z.exactOptional(z.enum(["application/json", "application/merge-patch+json"])),
});

const shape = z.strictObject({
  apiKeys: z.array(apiKey).min(1, "must hold at least one key"),
  requests: z.array(request).default([]),
  // FusionAuth's licence, and its timeouts for calls over the network, have no meaning here.
  licenseId: z.exactOptional(z.unknown()),
  license: z.exactOptional(z.unknown()),
  settings: z.exactOptional(z.unknown()),
});

function checkedShape(file: unknown): Kickstart {
  const result = shape.safeParse(file);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new KickstartInvalidError(
      issue?.path.map(step).join("") || "the file",
      issue?.message ?? "is not valid",
    );
  }
  const { apiKeys, requests } = result.data;
  refuseRepeatedKeys(apiKeys);
  // Our PATCH is a JSON merge patch whichever of the two content types is named.
  return { apiKeys, requests: requests.map(({ contentType, ...sent }) => sent) };
}

function refuseRepeatedKeys(apiKeys: readonly KickstartApiKey[]): void {
  const keys = apiKeys.map(({ key }) => key);
  const repeated = keys.findIndex((key, index) => keys.indexOf(key) < index);
  if (repeated !== -1) throw new KickstartInvalidError(`apiKeys[${repeated}].key`, "repeats an earlier key");
}

function step(name: PropertyKey): string {
  return typeof name === "number" ? `[${name}]` : `.${String(name).slice(0, 80)}`;
}
