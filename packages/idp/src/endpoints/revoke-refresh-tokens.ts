// DELETE /api/jwt/refresh[/{id}]: with an API key one token, a user's, a user's in one application or an application's; with
// the owner's access token that owner's one token. What is named is read in token-selection.ts. With `?reason=reuse`, which is ours
// and which FusionAuth ignores, an application says that it found a copied cookie: then the user is told.

import { empty } from "../answer.ts";
import { type Call, found, infoOf, visible } from "../call.ts";
import { tokenOwner } from "../caller.ts";
import { fieldRefusal, generalRefusal, RequestRefusedError } from "../errors.ts";
import { findPresented } from "../refresh.ts";
import { familyReused, revokeTokens } from "../revocation.ts";
import type { RefreshToken } from "../store/records.ts";
import type { RevocationTarget } from "../store/store.ts";
import { readSelection, type TokenSelection } from "../token-selection.ts";

/** 200 empty; 400 if nothing is selected, or not clearly; 401; 404 for what does not exist or belongs to somebody else. */
export async function revokeRefreshTokens(call: Call): Promise<Response> {
  const reason = call.query.get("reason");
  if (reason !== null) return revokeReused(call, reason);
  const target = call.apiKey === null ? await ownToken(call) : await selected(call);
  await revokeTokens(call.provider, target, "api", call.tenantLimit, infoOf(call));
  return empty();
}

async function revokeReused(call: Call, reason: string): Promise<Response> {
  if (call.apiKey === null) throw new RequestRefusedError(401);
  const token = await selectedToken(call, await readSelection(call));
  if (reason !== "reuse" || token === null) throw fieldRefusal("invalid", "reason");
  await familyReused(call.provider, token, { presented: null, revoke: true, info: infoOf(call) });
  return empty();
}

async function selected(call: Call): Promise<RevocationTarget> {
  const selection = await readSelection(call);
  const token = await selectedToken(call, selection);
  return token === null ? severalOf(call, selection) : { id: token.id };
}

// Only the caller's application may end what is not one token. An access token is good for the application it was issued for
// and no other (RFC 9068 §4): its holder must not reach the owner's sign-ins elsewhere.
async function ownToken(call: Call): Promise<RevocationTarget> {
  const owner = await tokenOwner(call);
  const token = owner === null ? null : await selectedToken(call, await readSelection(call));
  if (owner === null || token === null) throw new RequestRefusedError(401);
  if (token.userId !== owner.user.id || token.applicationId !== owner.claims.aud)
    throw new RequestRefusedError(404);
  return { id: token.id };
}

// Null if no single token is named.
async function selectedToken(call: Call, selection: TokenSelection): Promise<RefreshToken | null> {
  const { tokenId, token, userId, applicationId } = selection;
  if (tokenId === null && token === null) return null;
  const { store } = call.provider;
  const presented = token === null ? null : await findPresented(call.provider, token);
  if (tokenId !== null && token !== null && presented?.row.id !== tokenId)
    throw fieldRefusal("invalid", "token");
  const row = tokenId === null ? presented?.row : (await store.refreshTokens.find(tokenId))?.token;
  const seen = visible(call, row ?? null);
  const isMeant =
    (userId ?? seen?.userId) === seen?.userId &&
    (applicationId ?? seen?.applicationId) === seen?.applicationId;
  if (seen === null || !isMeant) throw new RequestRefusedError(404);
  return seen;
}

async function severalOf(call: Call, { userId, applicationId }: TokenSelection): Promise<RevocationTarget> {
  const { users, applications } = call.provider.store;
  if (userId !== null) found(call, await users.find(userId));
  if (applicationId !== null) found(call, await applications.find(applicationId));
  if (userId !== null) return applicationId === null ? { userId } : { userId, applicationId };
  if (applicationId !== null) return { applicationId };
  throw generalRefusal(400, "[missing]", "Name a token, a userId or an applicationId.");
}
