/**
 * The cookies on the wire: their names, their attributes, how a Cookie header is read. What stands inside the
 * refresh-token cookie is sealed-pair.ts's business.
 */

/** The names this application's cookies have. */
export interface CookieNames {
  readonly session: string;
  readonly refreshToken: string;
  /** Binds the forms of a visitor who is not signed in (login CSRF). */
  readonly form: string;
  /** Tells the provider that a browser has signed in before; no credential. */
  readonly device: string;
}

/** How this application's cookies are written. */
export interface CookieWriter {
  readonly names: CookieNames;
  /** A Set-Cookie value. `maxAge` in milliseconds; without it the browser forgets the cookie when it closes. */
  set(name: string, value: string, maxAge?: number): string;
  /** A Set-Cookie value that removes the cookie; a browser wants the attributes it was set with (CVE-2025-55162). */
  clear(name: string): string;
}

/** Above this a browser may drop the whole cookie (RFC 6265bis §5.6); better an error where it was made. */
const largestCookie = 4096;

/**
 * Cookies for an origin: `__Host-`, Secure, HttpOnly, SameSite=Lax, Path=/ and no Domain, so that no other host can
 * read or plant them (ASVS 3.3.1–3.3.4). On plain-http loopback, where Safari refuses Secure cookies, the same without
 * prefix and Secure.
 */
export function cookieWriter(secure: boolean): CookieWriter {
  const prefix = secure ? "__Host-" : "";
  const attributes = `; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
  return {
    names: {
      session: `${prefix}session`,
      refreshToken: `${prefix}refresh-token`,
      form: `${prefix}form`,
      device: `${prefix}device`,
    },
    set(name, value, maxAge) {
      if (name.length + value.length > largestCookie) {
        throw new RangeError(
          `The cookie "${name}" would be ${name.length + value.length} bytes; browsers keep ${largestCookie}.`,
        );
      }
      const age = maxAge === undefined ? "" : `; Max-Age=${Math.floor(maxAge / 1000)}`;
      return `${name}=${value}${age}${attributes}`;
    },
    clear: (name) => `${name}=; Max-Age=0${attributes}`,
  };
}

/** This application's cookies as a request presented them; an empty value is the same as none. */
export interface PresentedCookies {
  readonly session: string | null;
  readonly refreshToken: string | null;
  readonly form: string | null;
  readonly device: string | null;
}

/**
 * Reads this application's cookies out of a Cookie header; `"duplicate"` where one of them stands there twice, which
 * is what cookie tossing from a sibling host looks like ("Cookie Crumbles", USENIX Security 2023). Of two device cookies
 * neither counts, and nothing is refused for them: they open nothing, and must not be a way to lock somebody out.
 */
export function readCookies(header: string | undefined, names: CookieNames): PresentedCookies | "duplicate" {
  if (header === undefined) return noCookies;
  let session: string | null = null;
  let refreshToken: string | null = null;
  let form: string | null = null;
  let device: string | null = null;
  let equals = header.indexOf("=");
  // Without taking the header apart, since every request has one; and never back, however it is made up (CWE-407).
  for (let start = 0, end = 0; equals !== -1; start = end + 1) {
    end = endOfPart(header, start);
    if (equals >= end) continue;
    const name = stripped(header, start, equals);
    if (name === names.session) {
      if (session !== null) return "duplicate";
      session = stripped(header, equals + 1, end);
    } else if (name === names.refreshToken) {
      if (refreshToken !== null) return "duplicate";
      refreshToken = stripped(header, equals + 1, end);
    } else if (name === names.form) {
      if (form !== null) return "duplicate";
      form = stripped(header, equals + 1, end);
    } else if (name === names.device) {
      device = device === null ? stripped(header, equals + 1, end) : "";
    }
    equals = header.indexOf("=", end + 1);
  }
  return {
    session: session || null,
    refreshToken: refreshToken || null,
    form: form || null,
    device: device || null,
  };
}

const noCookies: PresentedCookies = { session: null, refreshToken: null, form: null, device: null };

function endOfPart(header: string, start: number): number {
  const semicolon = header.indexOf(";", start);
  return semicolon === -1 ? header.length : semicolon;
}

/**
 * A piece of a header without spaces and tabs around it, and nothing else (RFC 6265bis §5.6): what `trim` takes besides, like U+00A0,
 * is a letter to browsers, which let a sibling host plant `\u00a0__Host-session`.
 */
function stripped(header: string, start: number, end: number): string {
  let from = start;
  let to = end;
  // Not `[ \t]+$`, which takes two seconds for a header of 16 kB of spaces (CWE-1333).
  while (from < to && isBlank(header.charCodeAt(from))) from++;
  while (to > from && isBlank(header.charCodeAt(to - 1))) to--;
  return header.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
