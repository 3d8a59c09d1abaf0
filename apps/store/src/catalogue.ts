/** What the shop sells. Prices are integers of cents; a new database starts with the products below. */
import type { DatabaseSync } from "node:sqlite";
import { transaction } from "./database.ts";

/** Something the shop sells. Its picture is /assets/<id>.svg. */
export interface Product {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** In cents. */
  readonly price: number;
}

/** The products, read from the database. */
export interface Catalogue {
  all(): Product[];
  has(id: string): boolean;
}

/** The catalogue in `database`, filled on the first start. */
export function createCatalogue(database: DatabaseSync): Catalogue {
  stock(database);
  const all = database.prepare("SELECT id, name, description, price FROM products ORDER BY position");
  const one = database.prepare("SELECT 1 FROM products WHERE id = ?");
  return {
    all: () =>
      all.all().map(({ id, name, description, price }) => ({
        id: String(id),
        name: String(name),
        description: String(description),
        price: Number(price),
      })),
    has: (id) => one.get(id) !== undefined,
  };
}

function stock(database: DatabaseSync): void {
  const insert = database.prepare("INSERT OR IGNORE INTO products VALUES (?, ?, ?, ?, ?)");
  transaction(database, () => {
    for (const [position, { id, name, description, price }] of assortment.entries())
      insert.run(id, name, description, price, position);
  });
}

const assortment: readonly Product[] = [
  {
    id: "harbour-65",
    name: "Harbour 65",
    description: "A compact keyboard with arrow keys, a steel plate and quiet tactile switches.",
    price: 129_00,
  },
  {
    id: "ledger-a5",
    name: "Ledger A5",
    description: "192 numbered pages of dotted paper that takes a fountain pen, bound to lie flat.",
    price: 18_50,
  },
  {
    id: "meridian-tkl",
    name: "Meridian TKL",
    description: "Eighty-seven keys in an aluminium case. Every switch can be pulled out and replaced.",
    price: 179_00,
  },
  {
    id: "pocket-a6",
    name: "Pocket A6, set of three",
    description: "Thin notebooks for a jacket pocket: one ruled, one dotted, one plain.",
    price: 12_00,
  },
  {
    id: "pebble-numpad",
    name: "Pebble numpad",
    description: "Twenty-one keys on a cable, for the side of the desk where you count.",
    price: 49_00,
  },
  {
    id: "linden-switches",
    name: "Linden switches, 70 pieces",
    description: "Linear, lubricated by hand, 45 g. Enough for a compact keyboard and two spares.",
    price: 35_00,
  },
  {
    id: "felt-desk-mat",
    name: "Felt desk mat",
    description: "Four millimetres of wool, 80 by 30 cm. Takes the clatter out of a wooden desk.",
    price: 39_00,
  },
  {
    id: "drafting-pad-a4",
    name: "Drafting pad A4",
    description: "Sixty sheets of heavy grid paper, perforated, with a stiff back to draw on.",
    price: 14_00,
  },
];
