// Which refresh tokens a caller of DELETE /api/jwt/refresh names, by path, query and body. FusionAuth's client writes "null" and
// "undefined" for what it does not mean: read as values they would name the wrong tokens, and read as nothing they must not
// come to name more than was meant. It looks nothing up and revokes nothing.

import * as z from "zod";
import { type Call, pathId } from "./call.ts";
import { fieldRefusal } from "./errors.ts";
import { isForm, isGiven, readJson, readParameters } from "./request.ts";
import { line, uuid, validated } from "./validation.ts";

/** What was named; null for what was not. */
export interface TokenSelection {
  /** The id in the path. */
  tokenId: string | null;
  token: string | null;
  userId: string | null;
  applicationId: string | null;
}

const NAMES = ["token", "userId", "applicationId"] as const;
type Name = (typeof NAMES)[number];

// Null: the name is there, without a value.
type Named = ReadonlyMap<Name, string | null>;

const values: z.ZodType<Partial<Record<Name, string | null | undefined>>> = z.object({
  token: line(1_024).nullish(),
  userId: uuid.nullish(),
  applicationId: uuid.nullish(),
});

/**
 * The selection of this request. A 400 for an unknown or repeated name, for a value that can't be read, for two values of one
 * name that differ, and for a pair of userId and applicationId of which one is empty: only together with `token` does
 * FusionAuth's client mean "all of the other one" by that (its documented `revokeRefreshToken(null, null, applicationId)`).
 */
export async function readSelection(call: Call): Promise<TokenSelection> {
  // Not which, but why: revoke-refresh-tokens.ts reads it.
  const which = [...new URL(call.request.url).searchParams].filter(([name]) => name !== "reason");
  const inQuery = named(which);
  const inBody = named(await bodyMembers(call.request));
  const [query, body] = [
    validated(values, Object.fromEntries(inQuery)),
    validated(values, Object.fromEntries(inBody)),
  ];
  const agreed = (name: Name): string | null => {
    const [first, second] = [query[name] ?? null, body[name] ?? null];
    if (first !== null && second !== null && first !== second) throw fieldRefusal("invalid", name);
    return first ?? second;
  };
  const selection = {
    tokenId: pathId(call, "tokenId"),
    token: agreed("token"),
    userId: agreed("userId"),
    applicationId: agreed("applicationId"),
  };
  const emptied = emptiedHalf(selection, new Set([...inQuery.keys(), ...inBody.keys()]));
  if (emptied !== null) throw fieldRefusal("missing", emptied);
  return selection;
}

async function bodyMembers(request: Request): Promise<[name: string, value: unknown][]> {
  if (isForm(request)) return readParameters(request);
  // Every request object of FusionAuth's client may carry eventInfo.
  return Object.entries(await readJson(request)).filter(([name]) => name !== "eventInfo");
}

// An unknown name may be a misspelt restriction: to ignore it would revoke more than was meant.
function named(members: readonly (readonly [string, unknown])[]): Named {
  const found = new Map<Name, string | null>();
  for (const [given, value] of members) {
    const name = NAMES.find((known) => known === given);
    if (name === undefined || found.has(name)) throw fieldRefusal("invalid", given.slice(0, 191));
    if (value !== null && typeof value !== "string") throw fieldRefusal("invalid", name);
    found.set(name, value !== null && isGiven(value) ? value : null);
  }
  return found;
}

// revokeRefreshTokensByUserIdForApplication(undefined, application) must not end everybody's sign-ins there.
function emptiedHalf({ userId, applicationId }: TokenSelection, names: ReadonlySet<Name>): Name | null {
  if (names.has("token") || !names.has("userId") || !names.has("applicationId")) return null;
  if (userId === null && applicationId !== null) return "userId";
  return applicationId === null && userId !== null ? "applicationId" : null;
}
