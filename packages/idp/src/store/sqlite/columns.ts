// What only SQLite's columns need; the rest is store/columns.ts.

/** SQLite has no booleans. */
export function bit(value: boolean): number {
  return value ? 1 : 0;
}
