/** Paths as requests spell them, and lists of paths. */

/** The path of a request's target as it was spelt, without its query. */
export function pathOf(target: string): string {
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}

/** Whether a path is on a list of exact ones and of ones ending in `/*`. */
export type OnList = (path: string) => boolean;

/** A list of paths. Spellings a framework may resolve differently are on none (WSTG-ATHN-04). */
export function pathList(paths: readonly string[]): OnList {
  const exact = new Set(paths.filter((path) => !path.endsWith("/*")));
  const folders = paths.filter((path) => path.endsWith("/*")).map((path) => path.slice(0, -1));
  const isListed = (path: string) => exact.has(path) || folders.some((folder) => path.startsWith(folder));
  return (path) => isListed(path) && !isOddlySpelt(path);
}

function isOddlySpelt(path: string): boolean {
  return /\/\/|\/\.{1,2}(\/|$)|\\|%2e|%2f|%5c|%00/i.test(path);
}

/** Whether a target is a path of ours that can be understood at all. */
export function isOwnTarget(target: string, origin: string): boolean {
  // "//host/path" would be read as another host: it is a path of ours, spelt badly, and no route has it.
  if (!target.startsWith("/") || target.startsWith("//")) return false;
  // Of these letters alone nothing can go wrong, and nearly every target is; parsing costs more than the rest of a public page.
  return /^[\w\-.~!$&'()*+,;=:@%/?]*$/.test(target) || URL.canParse(target, origin);
}
