// Which OAuth client calls, and whether it proved it (RFC 6749 §2.3): client_secret_basic, client_secret_post or none.
// A secret that is sent is always checked.

import { type Call, visible } from "./call.ts";
import { isClientSecret } from "./client-secret.ts";
import { type Form, uuidOf } from "./request.ts";
import type { Client } from "./store/records.ts";

/** The client, and whether it showed its secret; or why there is none; `basic` says that it used the Authorization header (RFC 6749 §5.2). */
export type ClientAuthentication =
  | { client: Client; isProved: boolean }
  | { error: "invalid_client" | "invalid_request"; reason: string; basic: boolean };

interface Credentials {
  id: string | null;
  secret: string | null;
  basic: boolean;
}

/** Authenticates the client of a token request; `read` is one that has been read for this call already, be it the client or not. */
export async function authenticateClient(
  call: Call,
  form: Form,
  read: Client | null = null,
): Promise<ClientAuthentication> {
  const sent = credentials(call.request, form);
  if ("error" in sent) return sent;
  const { id, secret, basic } = sent;
  if (id === null) return { error: "invalid_request", reason: "missing_client_id", basic };
  const found = visible(call, await clientOf(call, uuidOf(id) ?? "", read));
  if (found?.active !== true) return refused(call, null, "invalid_client_id", basic);
  if (secret === null) {
    // Without an authorization code there is no PKCE, so only NotRequired lets a client in without its secret.
    const open = found.settings.oauthConfiguration?.clientAuthenticationPolicy === "NotRequired";
    return open
      ? { client: found, isProved: false }
      : refused(call, found, "client_authentication_missing", basic);
  }
  const isRight = isClientSecret(call.provider.sealing, found, secret);
  return isRight
    ? { client: found, isProved: true }
    : refused(call, found, "invalid_client_authentication", basic);
}

async function clientOf({ provider }: Call, id: string, read: Client | null): Promise<Client | null> {
  return read?.id === id ? read : provider.store.applications.find(id);
}

function credentials(
  request: Request,
  form: Form,
): Credentials | Extract<ClientAuthentication, { error: string }> {
  const header = request.headers.get("authorization");
  const posted = {
    id: form.get("client_id") ?? null,
    secret: form.get("client_secret") ?? null,
    basic: false,
  };
  if (header === null) return posted;
  const [id, secret] = basicCredentials(header);
  if (id === undefined || secret === undefined) {
    return { error: "invalid_client", reason: "invalid_client_authentication_scheme", basic: true };
  }
  // RFC 6749 §2.3: a client must not use more than one method in a request.
  if (posted.secret !== null) {
    return { error: "invalid_request", reason: "invalid_client_authentication", basic: true };
  }
  if (posted.id !== null && posted.id !== id) {
    return { error: "invalid_request", reason: "client_id_mismatch", basic: true };
  }
  return { id, secret, basic: true };
}

// RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
function basicCredentials(header: string): string[] {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(header)?.[1] ?? "";
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 1) return [];
  try {
    return [text.slice(0, colon), text.slice(colon + 1)].map((part) =>
      decodeURIComponent(part.replaceAll("+", " ")),
    );
  } catch {
    return [];
  }
}

function refused(call: Call, client: Client | null, reason: string, basic: boolean): ClientAuthentication {
  call.provider.publish({ type: "client-refused", applicationId: client?.id ?? null, reason });
  return { error: "invalid_client", reason, basic };
}
