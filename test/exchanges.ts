// Reads along with HTTP: registers what goes over the wire under a secret's name, and holds every
// Set-Cookie to the rule. By two doors: functions like `fetch`, and node:http underneath clients that do not
// use it (FusionAuth's). It must not change, delay or keep open what it reads along with.
import { subscribe } from "node:diagnostics_channel";
import { IncomingMessage } from "node:http";
import type { Secrets } from "./secrets.ts";
import { assertSetCookie, type PlainResponse, parseSetCookie } from "./set-cookie-rule.ts";

/** Where what was seen goes: the secrets, the broken rules, and the bodies that are still being read. */
export interface Seen {
  secrets: Secrets;
  violations: Set<string>;
  reading: Set<Promise<void>>;
}

const secretMembers = new Set([
  "token",
  "refreshToken",
  "refresh_token",
  "access_token",
  "id_token",
  "password",
  "currentPassword",
  "clientSecret",
  "client_secret",
  "key",
]);

// More than any body of ours; an endless one is left after this.
const mostRead = 1024 * 1024;

/** A function like `fetch` that is read along with; rejects where a Set-Cookie breaks the rule. */
export function watchedFetch<Args extends unknown[]>(
  fetchLike: (...args: Args) => Response | Promise<Response>,
  seen: Seen,
): (...args: Args) => Promise<Response> {
  return async (...args) => {
    const [input, init] = args;
    registerRequest(input, init, seen);
    const response = await fetchLike(...args);
    registerBody(response, seen);
    const url = input instanceof Request ? input.url : String(input);
    registerCookies(plainResponse(response), url.startsWith("https:"), seen);
    return response;
  };
}

/** Reads along with every request to, and every response from, a node:http server. */
export function watchHttp(seen: Seen): void {
  subscribe("http.server.request.start", (message) => {
    const request = memberOf(message, "request");
    if (!(request instanceof IncomingMessage)) return;
    registerUrl(request.url ?? "", seen.secrets);
    registerAuthorization(request.headers.authorization ?? "", seen.secrets);
    registerMessage(request, seen.secrets);
  });
  subscribe("http.client.response.finish", (message) => {
    const response = memberOf(message, "response");
    if (!(response instanceof IncomingMessage)) return;
    registerMessage(response, seen.secrets);
    const { "set-cookie": setCookies = [], "cache-control": cacheControl = null } = response.headers;
    try {
      registerCookies({ status: response.statusCode ?? 0, setCookies, cacheControl }, false, seen);
    } catch {
      // Recorded; thrown here it would be an uncaught exception of whoever listens first.
    }
  });
}

/**
 * Registers cookie values and holds them to the rule. Behind a proxy that speaks https the URL is http all
 * the same: then one cookie with the prefix or Secure makes the stricter rule hold for all of them.
 * @throws AssertionError where the rule is broken; it is recorded too, for code under test may swallow it.
 */
export function registerCookies(response: PlainResponse, overHttps: boolean, seen: Seen): void {
  const cookies = response.setCookies.map(parseSetCookie);
  for (const { name, value } of cookies) seen.secrets.add(value, `Set-Cookie ${name}`);
  const marked = cookies.some(
    ({ name, attributes }) => name.startsWith("__Host-") || attributes.has("secure"),
  );
  try {
    assertSetCookie(response, { https: overHttps || marked });
  } catch (error) {
    seen.violations.add(String(error));
    throw error;
  }
}

function plainResponse(response: Response): PlainResponse {
  const { status, headers } = response;
  return { status, setCookies: headers.getSetCookie(), cacheControl: headers.get("cache-control") };
}

function registerRequest(input: unknown, init: unknown, seen: Seen): void {
  if (input instanceof Request) {
    registerUrl(input.url, seen.secrets);
    registerAuthorization(input.headers.get("authorization") ?? "", seen.secrets);
    registerBody(input, seen);
    return;
  }
  registerUrl(String(input), seen.secrets);
  const body = memberOf(init, "body");
  if (typeof body === "string" || body instanceof URLSearchParams) registerText(String(body), seen.secrets);
  const headers = memberOf(init, "headers");
  if (headers instanceof Headers) registerAuthorization(headers.get("authorization") ?? "", seen.secrets);
  const authorization = memberOf(headers, "authorization") ?? memberOf(headers, "Authorization");
  if (typeof authorization === "string") registerAuthorization(authorization, seen.secrets);
}

/** Reads a copy of a body without being waited for, and only of the types that can hold named members. */
function registerBody(message: Request | Response, seen: Seen): void {
  const holdsMembers = /json|urlencoded/.test(message.headers.get("content-type") ?? "");
  if (!holdsMembers || message.body === null || message.bodyUsed) return;
  const read = readText(message.clone().body)
    .then((text) => registerText(text, seen.secrets))
    // An aborted body is the business of whoever aborted it.
    .catch(() => {})
    .finally(() => seen.reading.delete(read));
  seen.reading.add(read);
}

async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > mostRead) break;
  }
  return Buffer.concat(chunks).toString();
}

// The parser hands a message's body over by `push`; listening for "data" would start the flow too early.
function registerMessage(message: IncomingMessage, secrets: Secrets): void {
  const chunks: Buffer[] = [];
  const push = message.push.bind(message);
  message.push = (chunk: unknown, encoding) => {
    if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    if (chunk === null) registerText(Buffer.concat(chunks).toString(), secrets);
    return push(chunk, encoding);
  };
}

function registerText(text: string, secrets: Secrets): void {
  try {
    JSON.parse(text, (name, value) => {
      registerMember(name, value, secrets);
      return value;
    });
  } catch {
    for (const [name, value] of new URLSearchParams(text)) registerMember(name, value, secrets);
  }
}

function registerUrl(url: string, secrets: Secrets): void {
  const { searchParams } = URL.parse(url, "http://localhost") ?? { searchParams: [] };
  for (const [name, value] of searchParams) registerMember(name, value, secrets);
}

function registerMember(name: string, value: unknown, secrets: Secrets): void {
  if (typeof value !== "string" || !secretMembers.has(name) || occursByChance(value)) return;
  secrets.add(value, `a member named ${name}`);
}

/** An API key stands alone, a token behind its scheme, a client secret inside Basic (RFC 7617 §2). */
function registerAuthorization(header: string, secrets: Secrets): void {
  const [scheme = "", credentials] = header.split(" ");
  const value =
    scheme.toLowerCase() === "basic"
      ? Buffer.from(credentials ?? "", "base64")
          .toString()
          .split(":")
          .slice(1)
          .join(":")
      : (credentials ?? scheme);
  if (!occursByChance(value)) secrets.add(value, "an Authorization header");
}

/** Tables of bad input send "password" or "aaaaaaaaaa" as a password: nothing a search could tell apart. */
function occursByChance(value: string): boolean {
  return new Set(value).size < 6 || /^[a-z]{1,14}$/i.test(value);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
