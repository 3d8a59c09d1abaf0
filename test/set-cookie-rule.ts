// The one rule every Set-Cookie header of the suite is held to. test/leak-watch.ts applies it to every
// response a test sees, so that no cookie is exempt because its test forgot to look.
// Sources: RFC 6265 (bis) §4.1, §5.6 and §5.7 for the attributes, lengths and prefix; ASVS 3.3.1–3.3.4.
import assert from "node:assert/strict";

/** A response by its three facts, for clients that have no `Headers` (node:http, a browser). */
export interface PlainResponse {
  status: number;
  setCookies: readonly string[];
  cacheControl: string | null;
}

/** One Set-Cookie header taken apart. Attribute names are lower-case; a flag's value is "". */
export interface SetCookie {
  name: string;
  value: string;
  attributes: ReadonlyMap<string, string>;
}

// FusionAuth's names are part of the wire format; a prefix would be another cookie to its clients.
const providersOwn = new Set(["access_token", "refresh_token"]);

// RFC 6265bis §5.7: a browser drops a cookie whose name and value are longer together.
const longestPair = 4096;

// RFC 6265bis §5.6.2: browsers cap Max-Age at 400 days; more is a promise they do not keep.
const longestMaxAge = 400 * 24 * 60 * 60;

/**
 * Asserts the rule for every Set-Cookie header of one response; nothing is asserted where there is none.
 * @throws AssertionError that names the cookie and the attribute, never the cookie's value.
 */
export function assertSetCookie(
  response: { headers: Headers } | PlainResponse,
  { https }: { https: boolean },
): void {
  const { setCookies, cacheControl } = "headers" in response ? plain(response.headers) : response;
  if (setCookies.length === 0) return;
  // RFC 9111 §7.3: a shared cache may otherwise hand one user's cookie to another.
  const storable = !/(^|[\s,])no-store($|[\s,])/i.test(cacheControl ?? "");
  if (storable) assert.fail("a response with Set-Cookie lacks Cache-Control: no-store");
  for (const header of setCookies) assertCookie(parseSetCookie(header), https);
}

/** Takes a Set-Cookie header apart as a browser does (RFC 6265bis §5.6): split at `;`, then at the first `=`. */
export function parseSetCookie(header: string): SetCookie {
  const [pair = "", ...rest] = header.split(";");
  const [name, value] = splitOnce(pair);
  const attributes = rest.map((attribute) => {
    const [key, setting] = splitOnce(attribute);
    return [key.toLowerCase(), setting] as const;
  });
  return { name, value, attributes: new Map(attributes) };
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text.trim(), ""] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function plain(headers: Headers): Omit<PlainResponse, "status"> {
  return { setCookies: headers.getSetCookie(), cacheControl: headers.get("cache-control") };
}

function assertCookie(cookie: SetCookie, https: boolean): void {
  const { name, attributes } = cookie;
  const must = (holds: boolean, what: string) => assert.ok(holds, `cookie ${name}: ${what}`);

  must(attributes.has("httponly"), "must be HttpOnly");
  must(attributes.get("samesite") === "Lax", "must say SameSite=Lax");
  must(attributes.get("path") === "/", "must say Path=/");
  must(!attributes.has("domain"), "must not have a Domain");
  must(Buffer.byteLength(name + cookie.value) <= longestPair, `must be at most ${longestPair} bytes`);
  must(hasLawfulMaxAge(cookie), `Max-Age must be a whole number of at most ${longestMaxAge} s`);

  const hasPrefix = name.startsWith("__Host-");
  if (https) {
    must(attributes.has("secure"), "must be Secure on https");
    must(hasPrefix || providersOwn.has(name), "must have the __Host- prefix on https");
  } else {
    // Safari refuses both on plain http, also on loopback.
    must(!attributes.has("secure"), "must not be Secure on http");
    must(!hasPrefix, "must not have the __Host- prefix on http");
  }
}

function hasLawfulMaxAge({ attributes }: SetCookie): boolean {
  const maxAge = attributes.get("max-age");
  return maxAge === undefined || (/^\d+$/.test(maxAge) && Number(maxAge) <= longestMaxAge);
}
