// Whether a kickstart creates users with passwords. Whoever can read the file knows them, so production wants none (ASVS 13.2.3).

import type { Kickstart, KickstartRequest } from "./kickstart.ts";

/** The index of the first request that gives a user a password; -1 if there is none. */
export function seedingRequest({ requests }: Kickstart): number {
  return requests.findIndex((request) => isForUsers(request) && saysPassword(request));
}

// Through the URL parser, as the request will go: it resolves "/./", "/x/../" and "%2e", and drops tabs (WHATWG URL §4.4).
function isForUsers({ url }: KickstartRequest): boolean {
  const { pathname } = new URL(url, "http://kickstart.invalid");
  return /^\/+api\/+user(?:\/|$)/i.test(pathname);
}

function saysPassword({ body }: KickstartRequest): boolean {
  return JSON.stringify(body ?? null).includes('"password"');
}
