/** Reading what a form sent. A body is whatever a stranger typed: no field is trusted to be there, once, or text. */

/** A field's value; `null` unless it was sent exactly once. */
export function field(body: unknown, name: string): string | null {
  if (typeof body !== "object" || body === null) return null;
  const value: unknown = Object.getOwnPropertyDescriptor(body, name)?.value;
  return typeof value === "string" ? value : null;
}

/** The most of one product that a cart holds. */
export const largestQuantity = 99;

/** A quantity, 1 to 99, in its plain spelling; `null` for anything else (`01`, `1e1`, ` 1`, `１`). */
export function quantityField(body: unknown): number | null {
  const value = field(body, "quantity");
  return value !== null && /^[1-9][0-9]?$/.test(value) ? Number(value) : null;
}
