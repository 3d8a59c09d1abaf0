/** A shop for a test, with a database in a file, so that a test can look at what was stored from beside it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll } from "vitest";
import { afterSignIn, createStore, page, publicPaths, type StoreOptions, webhookPath } from "../src/index.ts";
import { type Browser, browser } from "../../../test/applications/browser.ts";
import { type Company, startCompany } from "../../../test/applications/company.ts";

/** A shop that is listening. */
export interface Shop {
  readonly company: Company;
  readonly errors: unknown[];
  /** The shop's clock; add to it to move time. */
  readonly clock: { ahead: number };
  /** A browser that has been nowhere yet; it says that it is `userAgent`. */
  visitor(userAgent?: string): Browser;
  /** What stands in the carts, as `owner kind, product, quantity`. */
  cartRows(): string[];
  query(sql: string): Record<string, unknown>[];
}

/** Opens a shop before the tests of a file and closes it after them. */
export function openShop(options: Partial<StoreOptions> = {}): Shop {
  const origin = options.origin ?? "http://store.localhost";
  const errors: unknown[] = [];
  const clock = { ahead: 0 };
  const opened: { company?: Company; address?: string; beside?: DatabaseSync } = {};
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "latchkey-store-"));
    const database = join(folder, "store.sqlite");
    const company = await startCompany();
    const sessions = company.sessionsFor("store", {
      origin,
      publicPaths,
      afterSignIn,
      webhookPath,
      page,
    });
    const onError = (error: unknown) => errors.push(error);
    const now = () => Date.now() + clock.ahead;
    const app = await createStore({ sessions, database, origin, onError, now, ...options });
    const address = await app.listen({ host: "127.0.0.1", port: 0 });
    const beside = new DatabaseSync(database);
    Object.assign(opened, { company, address, beside });
    closing.push(
      () => beside.close(),
      () => app.close(),
      () => sessions.close(),
      () => company.close(),
      () => rm(folder, { recursive: true }),
    );
  });
  afterAll(async () => {
    for (const close of closing) await close();
  });

  const query = (sql: string) => started(opened.beside).prepare(sql).all();
  return {
    get company() {
      return started(opened.company);
    },
    errors,
    clock,
    visitor: (userAgent) => browser(started(opened.address), origin, userAgent),
    query,
    cartRows: () =>
      query(`SELECT owner || ' ' || product || ' ' || quantity AS line FROM cart_items ORDER BY line`).map(
        ({ line }) => String(line),
      ),
  };
}

function started<Thing>(thing: Thing | undefined): Thing {
  if (thing === undefined) throw new Error("The shop is not open yet.");
  return thing;
}

/** Puts something into the visitor's cart through the form on the home page. */
export async function addToCart(visitor: Browser, product: string, quantity = 1): Promise<void> {
  const home = await visitor.get("/");
  const body = new URLSearchParams({
    "form-token": /name="form-token" value="([^"]+)"/.exec(home.html)?.[1] ?? "",
    product,
    quantity: String(quantity),
  });
  const { status } = await visitor.send("POST", "/shopping-cart/items", { body });
  if (status !== 303) throw new Error(`Adding ${product} was answered ${status}.`);
}

/** What a cart page shows, as `product × quantity`. */
export function shownLines(html: string): string[] {
  return [...html.matchAll(/id="quantity-([\w-]+)"[^>]* value="(\d+)"/g)].map(
    ([, product, quantity]) => `${product} × ${quantity}`,
  );
}
