import { beforeEach, describe, expect, test } from "vitest";
import type { Browser } from "../../../test/applications/browser.ts";
import { ada, ben, type Person } from "../../../test/applications/company.ts";
import { addToCart, openShop, shownLines } from "./shop.ts";

const shop = openShop();

beforeEach(() => {
  shop.query("DELETE FROM cart_items");
});

async function signedIn({ email, password }: Person): Promise<Browser> {
  const visitor = shop.visitor();
  await visitor.signIn(email, password);
  return visitor;
}

async function lines(visitor: Browser): Promise<string[]> {
  return shownLines((await visitor.get("/shopping-cart")).html);
}

describe("a user's cart", () => {
  test("is empty at first, and says so", async () => {
    const cart = await (await signedIn(ada)).get("/shopping-cart");
    expect(cart.html).toContain("There is nothing in it yet.");
    expect(cart.headers.get("cache-control")).toBe("no-store");
  });

  test("takes a new quantity, and loses what is removed", async () => {
    const user = await signedIn(ada);
    await addToCart(user, "harbour-65");
    await addToCart(user, "ledger-a5");
    const changed = await user.submit(await user.get("/shopping-cart"), "/shopping-cart/items/ledger-a5", {
      quantity: "7",
    });
    expect([changed.status, changed.location]).toEqual([303, "/shopping-cart"]);
    expect(await lines(user)).toEqual(["harbour-65 × 1", "ledger-a5 × 7"]);

    const cart = await user.get("/shopping-cart");
    expect((await user.submit(cart, "/shopping-cart/items/harbour-65/remove")).status).toBe(303);
    expect(await lines(user)).toEqual(["ledger-a5 × 7"]);
    const again = await user.submit(cart, "/shopping-cart/items/harbour-65/remove");
    expect(again.status).toBe(404);
    expect(again.html).toContain("This is not in your cart any more.");
  });

  test("holds at most 99 of a product", async () => {
    const user = await signedIn(ada);
    await addToCart(user, "ledger-a5", 60);
    await addToCart(user, "ledger-a5", 60);
    expect(await lines(user)).toEqual(["ledger-a5 × 99"]);
  });

  test("is there again after signing out and in, and not in between", async () => {
    const user = await signedIn(ada);
    await addToCart(user, "ledger-a5");
    const signedOut = await user.submit(await user.get("/shopping-cart"), "/logout");
    expect([signedOut.status, signedOut.location]).toEqual([302, "/"]);
    expect((await user.get("/shopping-cart")).location).toBe("/login");
    expect((await user.get("/cart")).html).toContain("There is nothing in it yet.");
    await user.signIn(ada.email, ada.password);
    expect(await lines(user)).toEqual(["ledger-a5 × 1"]);
  });

  test("never mixes with another user's, also in the same browser and at the same time", async () => {
    const [hers, his] = await Promise.all([signedIn(ada), signedIn(ben)]);
    await Promise.all(
      Array.from({ length: 25 }, () => [addToCart(hers, "harbour-65"), addToCart(his, "ledger-a5")]).flat(),
    );
    expect(await lines(hers)).toEqual(["harbour-65 × 25"]);
    expect(await lines(his)).toEqual(["ledger-a5 × 25"]);

    await hers.submit(await hers.get("/"), "/logout");
    await hers.signIn(ben.email, ben.password);
    expect(await lines(hers)).toEqual(["ledger-a5 × 25"]);
  });

  test("can't be changed through another user's page", async () => {
    const hers = await signedIn(ada);
    await addToCart(hers, "harbour-65", 3);
    const his = await signedIn(ben);
    const stolenPage = await hers.get("/shopping-cart");
    const answer = await his.submit(stolenPage, "/shopping-cart/items/harbour-65/remove");
    expect(answer.status).toBe(403);
    expect(await lines(hers)).toEqual(["harbour-65 × 3"]);
  });

  test("/cart leads a signed-in user to their own", async () => {
    expect((await (await signedIn(ada)).get("/cart")).location).toBe("/shopping-cart");
  });
});
