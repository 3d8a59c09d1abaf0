/**
 * The token in every form: proof that the page came from this application, to this browser. It is bound to the
 * *sign-in*, not to the session, so that a form rendered before a renewal still posts after it (D10); for a visitor who
 * is not signed in, to a random value in a cookie (login CSRF). Signing in makes all earlier tokens useless (CORF), except at
 * the login form itself, which another tab may have open.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { KeyRing, PurposeKeys } from "./key-ring.ts";

/** The name of the form field, and of the header for scripts, that carries the token. */
export const formTokenField = "form-token";
/** The request header a script may carry the token in. */
export const formTokenHeader = "x-form-token";

/** What a token is bound to. */
export type FormBinding = { readonly signInId: string } | { readonly formCookie: string };

/** A token for a binding; the salt makes each one look different, so that compression can't leak it (BREACH). */
export function formToken(keys: KeyRing, binding: FormBinding, salt: Buffer): string {
  return `${salt.toString("base64url")}.${mac(keys.primary, binding, salt).toString("base64url")}`;
}

/** Whether a token was made for that binding, under any key of the ring; any other string is `false`. */
export function isFormTokenFor(keys: KeyRing, binding: FormBinding, token: string | undefined): boolean {
  const [, salt, tag] = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/.exec(token ?? "") ?? [];
  if (salt === undefined || tag === undefined) return false;
  const presented = Buffer.from(tag, "base64url");
  return keys.all.some((key) =>
    timingSafeEqual(mac(key, binding, Buffer.from(salt, "base64url")), presented),
  );
}

function mac(key: PurposeKeys, binding: FormBinding, salt: Buffer): Buffer {
  const bound = "signInId" in binding ? `sign-in\n${binding.signInId}` : `visitor\n${binding.formCookie}`;
  return createHmac("sha256", key.form).update(salt).update(bound).digest();
}
