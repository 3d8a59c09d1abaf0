// The one place where what zod finds wrong becomes FusionAuth's `fieldErrors`: a map from the dotted path of the member to
// `[reason]path`. No message repeats a value, which may be a password.

import * as z from "zod";
import type { Call } from "./call.ts";
import { type ErrorEntry, fieldError, fieldRefusal, RequestRefusedError } from "./errors.ts";
import { mergePatch } from "./merge-patch.ts";
import { readJson, uuidOf, withoutNulls } from "./request.ts";

// As much as a body may have, so that no row of patches upon patches grows beyond what one body could bring (CWE-770).
const LARGEST_BYTES = 64 * 1024;

/** The JSON body as the schema has it; null means absent. A 400, 413 or 415 otherwise. */
export async function bodyOf<T>({ request }: Pick<Call, "request">, schema: z.ZodType<T>): Promise<T> {
  return validated(schema, withoutNulls(await readJson(request)));
}

/** The JSON merge patch in the body; a 400 if it says nothing of `member`. */
export async function patchOf({ request }: Pick<Call, "request">, member: string): Promise<object> {
  const patch = await readJson(request);
  validated(z.object({ [member]: data }), patch);
  return patch;
}

/** `current` with the JSON merge patch applied (RFC 7396), as the schema has it; a 400 for more than 64 KiB of JSON. */
export function patched<T>(schema: z.ZodType<T>, current: object, patch: object): T {
  const merged = mergePatch(current, patch);
  if (!fitsIn(LARGEST_BYTES)(merged)) throw fieldRefusal("tooLong", Object.keys(current)[0] ?? "");
  return validated(schema, merged);
}

/** Tells whether a value has at most `bytes` as JSON. */
export function fitsIn(bytes: number): (value: unknown) => boolean {
  return (value) => Buffer.byteLength(JSON.stringify(value) ?? "") <= bytes;
}

/** The value as the schema has it; a 400 that names every wrong member otherwise. */
export function validated<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const fieldErrors: Record<string, ErrorEntry[]> = {};
  for (const issue of result.error.issues.slice(0, 20)) {
    const field = issue.path.map(String).join(".").slice(0, 191);
    (fieldErrors[field] ??= []).push(fieldError(reasonOf(issue), field));
  }
  throw new RequestRefusedError(400, { fieldErrors });
}

// A schema names a reason of its own as "[reason]"; the rest follows from what zod found.
function reasonOf(issue: z.core.$ZodIssue): string {
  const own = /^\[(\w+)\]$/.exec(issue.message)?.[1];
  if (own !== undefined) return own;
  if (issue.code === "invalid_type" && issue.input === undefined) return "blank";
  if (issue.code === "too_big" && issue.origin === "array") return "tooMany";
  if (issue.code === "too_big" && issue.origin === "string") return "tooLong";
  return "invalid";
}

/** One line of text of at most `max` characters, without control characters (CWE-93). */
export function line(max: number): z.ZodType<string> {
  return z
    .string()
    .max(max)
    .regex(/^\P{Cc}*$/u, "[invalid]");
}

/** One line of text that is not empty. */
export function requiredLine(max: number): z.ZodType<string> {
  return z
    .string()
    .min(1, "[blank]")
    .max(max)
    .regex(/^\P{Cc}*$/u, "[invalid]");
}

/** A UUID in any case; comes out lower-case. */
export const uuid: z.ZodType<string> = z
  .string()
  .refine((text) => uuidOf(text) !== null, "[couldNotConvert]")
  .transform((text) => text.toLowerCase());

/** Epoch milliseconds. */
export const instant: z.ZodType<number> = z.int().min(0).max(8.64e15);

/** A password as received: any characters, but never so many that hashing it is an attack (ASVS 6.2.9). */
export const password: z.ZodType<string> = z.string().min(1, "[blank]").max(4_096);

/** What a caller keeps on an object; bounded by the size of the body. */
export const data: z.ZodType<Record<string, unknown>> = z.record(z.string().max(191), z.unknown());
