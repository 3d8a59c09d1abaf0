// Reads the columns of a row, of SQLite or of Postgres, into the types of records.ts. A column of another type than the schema's
// is a bug or a damaged database, and is thrown, never guessed at.

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** A text column; throws a TypeError for anything else. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`Column ${column} is not text`);
  return value;
}

/** A text column that may be null; throws a TypeError for anything else. */
export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

/** A column of whole or broken numbers; throws a TypeError for anything else. */
export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw new TypeError(`Column ${column} is not a number`);
  return value;
}

/** A column of numbers that may be null; throws a TypeError for anything else. */
export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column);
}

/** A column that is true or false: 1 or 0 in SQLite, which has no booleans. Throws a TypeError for anything else. */
export function flag(row: Row, column: string): boolean {
  const value = row[column];
  if (value === true || value === 1) return true;
  if (value === false || value === 0) return false;
  throw new TypeError(`Column ${column} is not true or false`);
}

/** A column of bytes; throws a TypeError for anything else. */
export function bytes(row: Row, column: string): Buffer {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw new TypeError(`Column ${column} is not bytes`);
  return Buffer.from(value);
}
