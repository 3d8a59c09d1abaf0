/**
 * Carts in the database. A cart belongs to a user or to a guest, and the two kinds can't be mistaken for each other. The
 * guest's secret is stored as its hash only, so that a copy of the database opens no cart.
 */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { transaction } from "./database.ts";
import { largestQuantity } from "./fields.ts";

/** Whose cart it is: a user's, by the identity provider's id, or a guest's, by the secret in their cookie. */
export type CartOwner = { readonly user: string } | { readonly guest: string };

/** One product in a cart; prices in cents. */
export interface CartLine {
  readonly id: string;
  readonly name: string;
  readonly price: number;
  readonly quantity: number;
}

/** The carts of one shop. */
export interface Carts {
  lines(owner: CartOwner): CartLine[];
  /** How many things are in the cart, the same product counted as often as it is there. */
  count(owner: CartOwner): number;
  /** Adds to what is there, up to 99 of a product. */
  add(owner: CartOwner, product: string, quantity: number): void;
  /** `false`, and nothing changed, if the product is not in the cart. */
  setQuantity(owner: CartOwner, product: string, quantity: number): boolean;
  /** `false` if the product is not in the cart. */
  remove(owner: CartOwner, product: string): boolean;
  /** Moves a guest's things into a user's cart. The guest's cart is gone afterwards, for whoever knows its secret. */
  handOver(guest: string, user: string): void;
}

/** A guest's cart that nobody has touched for this long is forgotten. */
export const guestCartAge = 30 * 24 * 60 * 60 * 1000;

/** The carts in `database`. */
export function createCarts(database: DatabaseSync, now: () => number): Carts {
  const lines = database.prepare(`
    SELECT id, name, price, quantity FROM cart_items JOIN products ON id = product
    WHERE owner = ? ORDER BY position`);
  const count = database.prepare(
    "SELECT coalesce(sum(quantity), 0) AS things FROM cart_items WHERE owner = ?",
  );
  const add = database.prepare(`
    INSERT INTO cart_items (owner, product, quantity, changed_at) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
      quantity = min(${largestQuantity}, quantity + excluded.quantity), changed_at = excluded.changed_at`);
  const change = database.prepare(
    "UPDATE cart_items SET quantity = ?, changed_at = ? WHERE owner = ? AND product = ?",
  );
  const remove = database.prepare("DELETE FROM cart_items WHERE owner = ? AND product = ?");
  const empty = database.prepare("DELETE FROM cart_items WHERE owner = ?");
  const forget = database.prepare(
    "DELETE FROM cart_items INDEXED BY guest_items_by_age WHERE owner GLOB 'guest:*' AND changed_at < ?",
  );

  const linesOf = (owner: CartOwner): CartLine[] =>
    lines.all(key(owner)).map(({ id, name, price, quantity }) => ({
      id: String(id),
      name: String(name),
      price: Number(price),
      quantity: Number(quantity),
    }));

  return {
    lines: linesOf,
    count: (owner) => Number(count.get(key(owner))?.["things"]),
    add(owner, product, quantity) {
      forget.run(now() - guestCartAge);
      add.run(key(owner), product, quantity, now());
    },
    setQuantity: (owner, product, quantity) => change.run(quantity, now(), key(owner), product).changes === 1,
    remove: (owner, product) => remove.run(key(owner), product).changes === 1,
    handOver(guest, user) {
      transaction(database, () => {
        for (const { id, quantity } of linesOf({ guest })) add.run(key({ user }), id, quantity, now());
        empty.run(key({ guest }));
      });
    },
  };
}

function key(owner: CartOwner): string {
  if ("user" in owner) return `user:${owner.user}`;
  return `guest:${createHash("sha256").update(owner.guest).digest("base64url")}`;
}
