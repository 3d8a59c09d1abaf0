// How an insert or update ended, as a value: which unique member was taken, by the name of its index in migrations.ts, or that the row
// had moved on.

import type { Saved } from "../store.ts";
import { duplicateIn, isForeignKeyViolation } from "./failure.ts";

/** "saved", or "conflict" if the write answers false, or what was a duplicate; any other error is thrown on. */
export async function savedOrDuplicate(write: Promise<boolean | void>): Promise<Saved> {
  try {
    return (await write) === false ? "conflict" : "saved";
  } catch (error) {
    return duplicateOf(error);
  }
}

function duplicateOf(error: unknown): Saved {
  if (isForeignKeyViolation(error)) return "gone";
  const index = duplicateIn(error);
  if (index === null) throw error;
  if (index.endsWith("_pkey")) return "duplicate id";
  if (index.endsWith("_key")) return "duplicate key";
  if (index.endsWith("_name")) return "duplicate name";
  if (index.endsWith("_email")) return "duplicate email";
  if (index.endsWith("_username")) return "duplicate username";
  throw error;
}
