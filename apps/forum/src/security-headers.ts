/**
 * The headers every response carries: pages, redirects, refusals and files alike. Registered before anything else, so
 * that no early answer goes out without them.
 */
import type { RequestHandler } from "express";

const headers = {
  // No script and nothing inline: a post that slips through can't run, restyle the page or send forms elsewhere (ASVS 3.4.3).
  "content-security-policy":
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "x-content-type-options": "nosniff",
  // Not no-referrer: browsers would send "Origin: null" with our own forms, which is what a forged one looks like.
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // Pages differ by who asks, down to the token in their forms: no cache may keep one (ASVS 14.3.2). Files say otherwise.
  "cache-control": "no-store",
};

/** On https, browsers are told never to come back without it, for a year (ASVS 3.4.1). */
const onHttps = { "strict-transport-security": "max-age=31536000; includeSubDomains" };

/** Sets the headers on every response of the application at `origin`. */
export function securityHeaders(origin: string): RequestHandler {
  const all = origin.startsWith("https:") ? { ...headers, ...onHttps } : headers;
  return (_request, response, next) => {
    response.set(all);
    next();
  };
}
