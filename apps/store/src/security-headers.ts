/**
 * The headers every response carries: pages, redirects, refusals and files alike. They are set before anything else
 * sees the request, so that no early answer goes out without them.
 */
import type { FastifyReply } from "fastify";

const headers = {
  // No script and nothing inline: markup that slips through can't run, restyle the page or post elsewhere (ASVS 3.4.3).
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

/** A function that puts the headers on a reply, for the application at `origin`. */
export function securityHeaders(origin: string): (reply: FastifyReply) => void {
  const all = origin.startsWith("https:") ? { ...headers, ...onHttps } : headers;
  return (reply) => {
    reply.headers(all);
  };
}
