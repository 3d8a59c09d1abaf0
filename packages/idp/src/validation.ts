// The one place where what zod finds wrong becomes FusionAuth's `fieldErrors`: a map from the dotted path of the member to
// `[reason]path`. No message repeats a value, which may be a password.

import * as z from "zod";
import { type ErrorEntry, fieldError, RequestRefusedError } from "./errors.ts";
import { uuidOf } from "./request.ts";

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
