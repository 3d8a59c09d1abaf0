// Reads what a caller sent: query, JSON and form bodies, cookies. Bounded (64 KiB) and strict: what can be read in two ways is
// refused. It says nothing about what the members mean; validation.ts and the endpoints do.

import { isIP } from "node:net";
import { fieldRefusal, generalRefusal } from "./errors.ts";

/** The query of a request; FusionAuth's clients write absent values as the words "null" and "undefined". */
export interface Query {
  /** The value, or null if not given; a 400 if given twice. */
  get(name: string): string | null;
  /** A UUID, lower-cased; a 400 if it is none. */
  id(name: string): string | null;
  /** True only for "true"; a 400 for anything but a truth value. */
  flag(name: string): boolean;
  /** All values; repeated parameters and comma-separated values are the same. */
  all(name: string): string[];
}

/** A form body: each parameter once. */
export type Form = ReadonlyMap<string, string>;

const LIMIT_BYTES = 64 * 1024;
const DEEPEST = 32;
const MOST_PARAMETERS = 100;
const UTF8 = new TextDecoder("utf-8", { fatal: true });
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The UUID in its one spelling, lower-case; null if the text is none. */
export function uuidOf(text: string): string | null {
  return UUID.test(text) ? text.toLowerCase() : null;
}

/** The IP address that the text is, without its zone; null if it is none. What is kept as an address is shown to people as one. */
export function ipAddressOf(text: string): string | null {
  if (isIP(text) === 0) return null;
  // The zone of an IPv6 address may be any word: of fe80::1%www.example.com a mail would make a link (CWE-451).
  return text.split("%")[0] ?? null;
}

/** For whom the caller says that it calls: the first address of `X-Forwarded-For`; null without one. */
export function forwardedAddress(request: Request): string | null {
  return ipAddressOf(request.headers.get("x-forwarded-for")?.split(",")[0]?.trim() ?? "");
}

/** The query that is this part of a URL, with its "?" or nothing. */
export function readQuery(search: string): Query {
  const parameters = new URLSearchParams(search);
  const all = (name: string): string[] => parameters.getAll(name).filter(isGiven);
  const get = (name: string): string | null => {
    const [value, ...more] = all(name);
    if (more.length > 0) throw fieldRefusal("invalid", name);
    return value ?? null;
  };
  return {
    get,
    all: (name) =>
      all(name)
        .flatMap((value) => value.split(","))
        .filter(isGiven),
    id(name) {
      const value = get(name);
      const id = value === null ? null : uuidOf(value);
      if (value !== null && id === null) throw fieldRefusal("couldNotConvert", name);
      return id;
    },
    flag(name) {
      const value = get(name) ?? "false";
      if (value !== "true" && value !== "false") throw fieldRefusal("invalid", name);
      return value === "true";
    },
  };
}

/** False for the spellings of "not given": nothing, "null" and "undefined". */
export function isGiven(value: string): boolean {
  return value !== "" && value !== "null" && value !== "undefined";
}

/** The JSON object of the body; `{}` for an empty body of any content type. 400, 413 or 415 for what can't be read. */
export async function readJson(request: Request): Promise<Record<string, unknown>> {
  const text = await readText(request);
  if (text === "") return {};
  if (!isJson(request)) throw unsupported("application/json");
  return objectOf(parsed(text));
}

/** The parameters of a form body; empty values are absent (RFC 6749 §3.2). A repeated parameter is in `repeated`. */
export async function readForm(request: Request): Promise<{ form: Form; repeated: string | null }> {
  const form = new Map<string, string>();
  let repeated: string | null = null;
  for (const [name, value] of await readParameters(request)) {
    if (value === "") continue;
    if (form.has(name)) repeated ??= name;
    form.set(name, value);
  }
  return { form, repeated };
}

/** The parameters of a form body as they were sent, at most 100. 400, 413 or 415 for what can't be read. */
export async function readParameters(request: Request): Promise<[name: string, value: string][]> {
  const text = await readText(request);
  if (text !== "" && !isForm(request)) throw unsupported("application/x-www-form-urlencoded");
  const parameters = [...new URLSearchParams(text)];
  // Forms are read before anyone has proved who he is: what is done for one parameter must stay little (CWE-400).
  if (parameters.length > MOST_PARAMETERS)
    throw generalRefusal(400, "[tooMany]", `The body has more than ${MOST_PARAMETERS} parameters.`);
  return parameters;
}

/** True if the body is a form. */
export function isForm(request: Request): boolean {
  return mediaType(request) === "application/x-www-form-urlencoded";
}

/** A cookie's value, or null. Two cookies of one name count as none: one of them was planted (CWE-384). */
export function readCookie(request: Request, name: string): string | null {
  const [value, ...more] = cookieValues(request, name);
  return value === undefined || more.length > 0 ? null : value || null;
}

/** True if the browser sent a cookie of this name, whatever its value. */
export function hasCookie(request: Request, name: string): boolean {
  return cookieValues(request, name).length > 0;
}

function cookieValues(request: Request, name: string): string[] {
  const pairs = (request.headers.get("cookie") ?? "").split(";").map((pair) => pair.trim());
  return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
}

/** The object without members that are null, at any depth: on POST and PUT null means absent. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(entries.map(([name, member]) => [name, withoutNulls(member)]));
}

/** True for what `{…}` in JSON becomes. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function readText(request: Request): Promise<string> {
  const declared = declaredBytes(request);
  if (declared === null && request.body === null) return "";
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity")
    throw generalRefusal(415, "[UnsupportedContentEncoding]", "Send the body as it is.");
  const bytes = await (declared === null ? readChunks(request) : readWhole(request));
  try {
    return UTF8.decode(bytes);
  } catch {
    throw generalRefusal(400, "[invalid]", "The body is not UTF-8.");
  }
}

// Null where the request does not say it in a way that its sender was held to: a body without a length, or in chunks.
function declaredBytes({ headers }: Request): number | null {
  const declared = headers.get("content-length");
  if (declared === null || !/^\d+$/.test(declared) || headers.has("transfer-encoding")) return null;
  if (Number(declared) > LIMIT_BYTES) throw tooLarge();
  return Number(declared);
}

// In one piece, and without looking at `request.body`: that makes a stream of what Node has in memory as a whole, mostly, and reading it
// costs as much as signing a token. HTTP servers end a body at the length that it declares (RFC 9112 §6.3); whoever made the request
// otherwise has the body in memory.
async function readWhole(request: Request): Promise<Uint8Array> {
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes.byteLength > LIMIT_BYTES) throw tooLarge();
  return bytes;
}

async function readChunks(request: Request): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > LIMIT_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed();
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (!isObject(value) || !isHarmless(value, 0)) throw malformed();
  return value;
}

// A member named __proto__ has no honest use and changes prototypes where an object is copied carelessly (CWE-1321);
// nesting without end overflows the stack of whoever walks it (CWE-674).
function isHarmless(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth > DEEPEST || Object.hasOwn(value, "__proto__")) return false;
  return Object.values(value).every((member) => isHarmless(member, depth + 1));
}

function isJson(request: Request): boolean {
  const type = mediaType(request);
  return (
    type === "application/json" || (request.method === "PATCH" && type === "application/merge-patch+json")
  );
}

function mediaType(request: Request): string {
  const [type = "", ...parameters] = (request.headers.get("content-type") ?? "").toLowerCase().split(";");
  const charset = parameters.map((parameter) => parameter.trim()).find((text) => text.startsWith("charset="));
  return charset === undefined || /^charset="?utf-8"?$/.test(charset) ? type.trim() : "";
}

function malformed(): Error {
  return generalRefusal(400, "[invalid]", "The body is not a JSON object that can be read.");
}

function tooLarge(): Error {
  return generalRefusal(413, "[tooLarge]", `The body has more than ${LIMIT_BYTES} bytes.`);
}

function unsupported(expected: string): Error {
  return generalRefusal(415, "[UnsupportedContentType]", `The body must be ${expected}.`);
}
