// Reads the columns of a SQLite row into the types of records.ts. A column of another type than the schema's is a bug or a
// damaged file, and is thrown, never guessed at.

import type { SQLOutputValue } from "node:sqlite";

/** A row as node:sqlite hands it over. */
export type Row = Record<string, SQLOutputValue>;

/** A text column; throws for anything else. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`Column ${column} is not text`);
  return value;
}

/** A text column that may be null. */
export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

/** An integer column; throws for anything else. */
export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw new TypeError(`Column ${column} is not an integer`);
  return value;
}

/** An integer column that may be null. */
export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column);
}

/** A blob column; throws for anything else. */
export function bytes(row: Row, column: string): Buffer {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw new TypeError(`Column ${column} is not a blob`);
  return Buffer.from(value);
}

/** SQLite has no booleans. */
export function bit(value: boolean): number {
  return value ? 1 : 0;
}
