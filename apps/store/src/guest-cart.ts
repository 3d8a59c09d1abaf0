/**
 * The cookie that keeps a guest's cart: a random secret of its own, which opens that cart and nothing else. It has no
 * part in signing in, and signing in makes it worthless.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { guestCartAge } from "./carts.ts";

/** The cookie of one shop. */
export interface GuestCartCookie {
  /** The guest's secret; `null` where there is none, or not one of ours, or two of them. */
  read(request: FastifyRequest): string | null;
  /** Makes a new secret, sets the cookie on the reply and returns the secret. */
  issue(reply: FastifyReply): string;
  /** Removes the cookie from the browser. */
  clear(reply: FastifyReply): void;
}

/** The cookie for an origin: `__Host-` and Secure on https, so that no other host can plant one (ASVS 3.3.1–3.3.4). */
export function guestCartCookie(origin: string, randomBytes: (length: number) => Buffer): GuestCartCookie {
  const secure = origin.startsWith("https:");
  const name = secure ? "__Host-cart" : "cart";
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
  const set = (reply: FastifyReply, value: string, milliseconds: number) =>
    reply.header("set-cookie", `${name}=${value}; Max-Age=${milliseconds / 1000}; ${attributes}`);

  return {
    read({ headers }) {
      const values = (headers.cookie ?? "")
        .split(";")
        // Spaces and tabs alone, as in RFC 6265bis: `trim` would read a sibling host's "\u00a0__Host-cart" as ours. Not
        // those at the end, too: `[ \t]+$` takes seconds for a header of nothing else (CWE-1333).
        .map((pair) => pair.replace(/^[ \t]+/, ""))
        .filter((pair) => pair.startsWith(`${name}=`))
        .map((pair) => pair.slice(name.length + 1));
      const [secret] = values;
      // Two of one name are what a cookie planted by a sibling host looks like: then it is nobody's cart.
      return values.length === 1 ? (/^([\w-]{43})[ \t]*$/.exec(secret ?? "")?.[1] ?? null) : null;
    },
    issue(reply) {
      const secret = randomBytes(32).toString("base64url");
      set(reply, secret, guestCartAge);
      return secret;
    },
    clear(reply) {
      set(reply, "", 0);
    },
  };
}
