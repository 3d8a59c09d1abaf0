// How an insert or update ended, as a value: which unique member was taken, or that the row had moved on.

import type { Saved } from "../store.ts";

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
  const columns = uniqueColumns(error);
  if (columns === null) throw error;
  if (columns.endsWith(".email")) return "duplicate email";
  if (columns.endsWith(".username_key")) return "duplicate username";
  if (columns.endsWith(".name")) return "duplicate name";
  return columns.includes(",") || columns.endsWith(".hash") ? "duplicate key" : "duplicate id";
}

// True if the row belongs to another one that is not there.
function isForeignKeyViolation(error: unknown): boolean {
  return error instanceof Error && error.message === "FOREIGN KEY constraint failed";
}

// The unique columns that an insert or update ran into, e.g. "users.tenant_id, users.email"; null for another error.
function uniqueColumns(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  return /^UNIQUE constraint failed: (.+)$/.exec(error.message)?.[1] ?? null;
}
