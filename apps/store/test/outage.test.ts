import { describe, expect, test } from "vitest";
import { ada } from "../../../test/applications/company.ts";
import { addToCart, openShop, shownLines } from "./shop.ts";

describe("while the database can't be written", () => {
  const shop = openShop();

  test("adding is answered with 503 and a time to come back, and works afterwards", async () => {
    const visitor = shop.visitor();
    await visitor.signIn(ada.email, ada.password);
    const home = await visitor.get("/");
    shop.query("BEGIN IMMEDIATE");
    const answer = await visitor.submit(home, "/shopping-cart/items");
    shop.query("ROLLBACK");
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(answer.html).toContain("Nothing is lost");
    expect(answer.html).not.toMatch(/sqlite|locked|busy/i);
    expect(shop.errors).toHaveLength(1);
    await addToCart(visitor, "ledger-a5");
    expect(shownLines((await visitor.get("/shopping-cart")).html)).toEqual(["ledger-a5 × 1"]);
  });
});

describe("an error nobody expected", () => {
  const shop = openShop({
    randomBytes() {
      throw new Error("the entropy pool of node 7 is on fire");
    },
  });

  test("is a page that says nothing of it, and is reported to the operator", async () => {
    const visitor = shop.visitor();
    const answer = await visitor.submit(await visitor.get("/"), "/shopping-cart/items");
    expect(answer.status).toBe(500);
    expect(answer.html).toContain("It is our fault.");
    expect(answer.html).not.toMatch(/entropy|\.ts|Error/);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(shop.errors.map(String)).toEqual(["Error: the entropy pool of node 7 is on fire"]);
    expect(visitor.cookies.has("cart")).toBe(false);
  });
});
