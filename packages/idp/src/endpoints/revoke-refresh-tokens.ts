// DELETE /api/jwt/refresh in all its forms: one token by id or value, a user's, a user's in one application, an application's.
// FusionAuth's client writes "null" and "undefined" for what it does not mean; read as values they would revoke the wrong
// tokens, read as nothing at all they must not come to mean "everything" (§11 of its client's wire forms).

import * as z from "zod";
import { empty } from "../answer.ts";
import { type Call, pathId, visible } from "../call.ts";
import { userToken } from "../caller.ts";
import { fieldRefusal, generalRefusal, RequestRefusedError } from "../errors.ts";
import { findPresented } from "../refresh.ts";
import { isForm, isGiven, readForm, readJson, withoutNulls } from "../request.ts";
import { revokeTokens } from "../revocation.ts";
import type { RefreshToken } from "../store/records.ts";
import type { RevocationTarget } from "../store/store.ts";
import { line, uuid, validated } from "../validation.ts";

interface Selection {
  token?: string | undefined;
  userId?: string | undefined;
  applicationId?: string | undefined;
}

const selection: z.ZodType<Selection> = z.object({
  token: line(1_024).optional(),
  userId: uuid.optional(),
  applicationId: uuid.optional(),
});

/** 200 empty; 400 if nothing is selected; 401; 404 for what does not exist or belongs to somebody else. */
export async function revokeRefreshTokens(call: Call): Promise<Response> {
  const owner = call.apiKey === null ? await requiredOwner(call) : null;
  const id = pathId(call, "tokenId");
  const selected = id === null ? await selectionOf(call) : {};
  const token = id === null ? await tokenByValue(call, selected.token) : await tokenById(call, id);
  if (token !== null) return revokeOne(call, token, selected, owner);
  // Only the caller's application may end what is not one token.
  if (owner !== null) throw new RequestRefusedError(401);
  await revokeTokens(call.provider, await targetOf(call, selected), "api", call.tenantLimit);
  return empty();
}

async function requiredOwner(call: Call): Promise<string> {
  const claims = await userToken(call);
  if (claims === null) throw new RequestRefusedError(401);
  return claims.sub;
}

async function selectionOf({ query, request }: Call): Promise<Selection> {
  const body = isForm(request) ? await formSelection(request) : withoutNulls(await readJson(request));
  const inBody = validated(selection, body);
  return {
    token: query.get("token") ?? inBody.token,
    userId: query.id("userId") ?? inBody.userId,
    applicationId: query.id("applicationId") ?? inBody.applicationId,
  };
}

async function formSelection(request: Request): Promise<Record<string, string>> {
  const { form, repeated } = await readForm(request);
  if (repeated !== null) throw fieldRefusal("invalid", repeated.slice(0, 191));
  return Object.fromEntries([...form].filter(([, value]) => isGiven(value)));
}

async function tokenById(call: Call, id: string): Promise<RefreshToken> {
  const found = await call.provider.store.refreshTokens.find(id);
  return required(call, found?.token ?? null);
}

async function tokenByValue(call: Call, value: string | undefined): Promise<RefreshToken | null> {
  if (value === undefined) return null;
  const presented = await findPresented(call.provider, value);
  return required(call, presented?.row ?? null);
}

function required(call: Call, token: RefreshToken | null): RefreshToken {
  const seen = visible(call, token);
  if (seen === null) throw new RequestRefusedError(404);
  return seen;
}

async function revokeOne(
  call: Call,
  token: RefreshToken,
  { userId, applicationId }: Selection,
  owner: string | null,
): Promise<Response> {
  const isMeant =
    (userId ?? token.userId) === token.userId &&
    (applicationId ?? token.applicationId) === token.applicationId;
  if (!isMeant || (owner !== null && owner !== token.userId)) throw new RequestRefusedError(404);
  await revokeTokens(call.provider, { id: token.id }, "api", call.tenantLimit);
  return empty();
}

async function targetOf(call: Call, { userId, applicationId }: Selection): Promise<RevocationTarget> {
  const { users, applications } = call.provider.store;
  if (userId === undefined && applicationId === undefined) {
    throw generalRefusal(400, "[missing]", "Name a token, a userId or an applicationId.");
  }
  const user = userId === undefined ? null : visible(call, await users.find(userId));
  const application =
    applicationId === undefined ? null : visible(call, await applications.find(applicationId));
  if (userId !== undefined && user === null) throw new RequestRefusedError(404);
  if (applicationId !== undefined && application === null) throw new RequestRefusedError(404);
  if (user === null) return { applicationId: application?.id ?? "" };
  return application === null ? { userId: user.id } : { userId: user.id, applicationId: application.id };
}
