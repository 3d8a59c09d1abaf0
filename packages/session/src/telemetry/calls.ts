/**
 * The calls of provider and store by names that can be counted: paths hold ids, and a label or the name of a span with an id in
 * it is a new series for every user.
 */
import type { SessionStore } from "../store/store.ts";

const providerCalls: ReadonlySet<string> = new Set([
  "POST /api/login",
  "POST /oauth2/token",
  "POST /api/jwt/refresh",
  "GET /api/jwt/refresh",
  "GET /api/jwt/refresh/{id}",
  "DELETE /api/jwt/refresh",
  "DELETE /api/jwt/refresh/{id}",
  "GET /api/user/{id}",
  "POST /api/user/change-password",
  "GET /.well-known/openid-configuration",
  "GET /.well-known/jwks.json",
]);

// A method that is added to the contract does not compile without a line here.
const storeCalls: { readonly [Call in keyof SessionStore]: true } = {
  insertSession: true,
  useSession: true,
  readSession: true,
  updateSession: true,
  questionSession: true,
  deleteSession: true,
  insertSignIn: true,
  readSignIn: true,
  updateSignIn: true,
  liveSignIns: true,
  signInsOwingRevocation: true,
  sweep: true,
  close: true,
};

/** A call of the provider without ids and queries: "GET /api/user/{id}"; "other" for one nobody has named. */
export function providerCallName(call: string): string {
  const [path = ""] = call.split("?", 1);
  if (providerCalls.has(path)) return path;
  // An id that is no UUID, as another provider may have.
  const template = path.replace(/\/[^/]*$/, "/{id}");
  return providerCalls.has(template) ? template : "other";
}

/** A call of the store; "other" for one that is not of the contract. */
export function storeCallName(call: string): string {
  return Object.hasOwn(storeCalls, call) ? call : "other";
}

/** "2xx" to "5xx", or "none" where no answer came. */
export function statusClass(status: number | null): string {
  return status === null ? "none" : `${Math.trunc(status / 100)}xx`;
}
