/** Where to go after signing in: a path of this application, nothing else (CWE-601, ASVS 3.7.2). */

/** Longer than any path an application of ours has; keeps the sign-in address itself short. */
const longestPath = 2048;

/**
 * The path, with its query, if `value` is one of this origin; `null` for anything that a browser could read as another
 * host or scheme (`//evil`, `/\evil`, a tab or newline in between, `https:evil`), and for what is over-long.
 */
export function safeReturnTo(value: unknown, origin: string): string | null {
  if (typeof value !== "string" || value.length > longestPath) return null;
  // Browsers drop tabs and newlines and take "\" for "/" (WHATWG URL): refuse instead of guessing what is left.
  if (!value.startsWith("/") || value.startsWith("//") || /[\\\p{Cc}\s]/u.test(value)) return null;
  if (!URL.canParse(value, origin)) return null;
  const url = new URL(value, origin);
  // "/.//evil" starts harmlessly and resolves to the path "//evil", which a browser would read as a host.
  if (url.origin !== origin || url.pathname.startsWith("//")) return null;
  return `${url.pathname}${url.search}`;
}
