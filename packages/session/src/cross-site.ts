/**
 * Which requests another site may have forged. Decides on headers a page can't set by itself; the form token
 * (form-token.ts) stands behind it, since neither alone holds in every browser (OWASP CSRF cheat sheet, ASVS 3.5.1).
 */

/** Why a request was refused as forged. */
export type CrossSiteReason = "cross-site" | "same-site-other-host" | "foreign-origin" | "no-origin";

/** What the decision rests on. */
export interface CrossSiteFacts {
  readonly method: string;
  readonly secFetchSite: string | undefined;
  readonly origin: string | undefined;
  /** Whether the request carries a cookie of ours: without one there is nothing to ride on. */
  readonly hasCookies: boolean;
}

/** Whether a method promises to change nothing (RFC 9110 §9.2.1); everything else is guarded. */
export function isSafeMethod(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/**
 * `null` if the request comes from this origin itself (or from no page at all), else why it is refused.
 * `ownOrigin` is the configured one: the Host header is the sender's word. A sibling subdomain is same-site and still
 * refused. Login, logout and renewal are guarded like everything else.
 */
export function crossSiteReason(facts: CrossSiteFacts, ownOrigin: string): CrossSiteReason | null {
  if (isSafeMethod(facts.method)) return null;
  switch (facts.secFetchSite) {
    case "same-origin":
    case "none": // typed or bookmarked: no page is behind it, so no forged body either
      return null;
    case "same-site":
      return "same-site-other-host";
    case undefined: // Safari before 16.4, plain-http origins, programs
      if (facts.origin !== undefined) return facts.origin === ownOrigin ? null : "foreign-origin";
      return facts.hasCookies ? "no-origin" : null;
    default:
      return "cross-site";
  }
}
