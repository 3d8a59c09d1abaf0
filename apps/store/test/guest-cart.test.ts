import { beforeEach, describe, expect, test } from "vitest";
import { ada, ben } from "../../../test/applications/company.ts";
import { addToCart, openShop, shownLines } from "./shop.ts";

const shop = openShop();
const userRow = ({ id }: { id: string }) => `user:${id}`;

beforeEach(() => {
  shop.query("DELETE FROM cart_items");
});

async function lines(visitor: ReturnType<typeof shop.visitor>, path: string): Promise<string[]> {
  return shownLines((await visitor.get(path)).html);
}

describe("a guest's cart", () => {
  test("is kept, shown at /cart, and stored under a hash of the secret in the cookie", async () => {
    const guest = shop.visitor();
    await addToCart(guest, "harbour-65");
    await addToCart(guest, "harbour-65", 2);
    await addToCart(guest, "ledger-a5");
    const cart = await guest.get("/cart");
    expect(shownLines(cart.html)).toEqual(["harbour-65 × 3", "ledger-a5 × 1"]);
    expect(cart.html).toContain("€405.50");
    expect(cart.headers.get("cache-control")).toBe("no-store");
    expect(guest.cookies.get("cart")).toMatch(/^[\w-]{43}$/);
    expect(shop.cartRows().join()).not.toContain(guest.cookies.get("cart"));
  });

  test("does not open /shopping-cart, which needs a signed-in user", async () => {
    const guest = shop.visitor();
    await addToCart(guest, "harbour-65");
    const answer = await guest.get("/shopping-cart");
    expect([answer.status, answer.location, answer.html]).toEqual([302, "/login", ""]);
  });

  test("is another guest's business only with the cookie", async () => {
    const guest = shop.visitor();
    await addToCart(guest, "harbour-65");
    const other = shop.visitor();
    await addToCart(other, "ledger-a5");
    expect(await lines(other, "/cart")).toEqual(["ledger-a5 × 1"]);
    expect(await lines(guest, "/cart")).toEqual(["harbour-65 × 1"]);
  });

  test("comes along at sign-in, adds to what the user had, and is gone afterwards", async () => {
    const earlier = shop.visitor();
    await earlier.signIn(ada.email, ada.password);
    await addToCart(earlier, "harbour-65", 98);

    const guest = shop.visitor();
    await addToCart(guest, "harbour-65", 5);
    await addToCart(guest, "ledger-a5", 2);
    const secret = guest.cookies.get("cart");
    const signedIn = await guest.signIn(ada.email, ada.password);

    expect([signedIn.status, signedIn.location]).toEqual([302, "/shopping-cart"]);
    expect(await lines(guest, "/shopping-cart")).toEqual(["harbour-65 × 99", "ledger-a5 × 2"]);
    expect(guest.cookies.has("cart")).toBe(false);
    expect(shop.cartRows().every((row) => row.startsWith(userRow(ada)))).toBe(true);
    const holder = shop.visitor();
    holder.cookies.set("cart", String(secret));
    expect(await lines(holder, "/cart")).toEqual([]);
  });

  test("comes along once, however often the form is sent at the same time", async () => {
    const guest = shop.visitor();
    await addToCart(guest, "ledger-a5", 2);
    const form = await guest.get("/login");
    const { email, password } = ada;
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => {
        const tab = shop.visitor();
        for (const [name, value] of guest.cookies) tab.cookies.set(name, value);
        return tab.submit(form, "/login", { email, password });
      }),
    );
    const statuses = new Set(answers.map(({ status }) => status));
    // The provider tries so many passwords at once for one account, and hashes so many at once: the rest come back later.
    expect([...statuses].every((status) => [302, 429, 503].includes(status))).toBe(true);
    expect(statuses).toContain(302);
    expect(shop.cartRows()).toEqual([`${userRow(ada)} ledger-a5 2`]);
  });

  test("stays as it is when signing in fails", async () => {
    const guest = shop.visitor();
    await addToCart(guest, "ledger-a5", 2);
    expect((await guest.signIn(ada.email, "not her password")).status).toBe(401);
    expect(await lines(guest, "/cart")).toEqual(["ledger-a5 × 2"]);
  });

  test("is forgotten a month after the last touch; a user's is not", async () => {
    const user = shop.visitor();
    await user.signIn(ada.email, ada.password);
    await addToCart(user, "ledger-a5");
    await addToCart(shop.visitor(), "harbour-65");
    shop.clock.ahead += 31 * 24 * 60 * 60 * 1000;
    await addToCart(shop.visitor(), "pocket-a6");
    const rows = shop.cartRows().map((row) => row.replace(/^(\w+):\S+/, "$1"));
    expect(rows).toEqual(["guest pocket-a6 1", "user ledger-a5 1"]);
  });
});

describe("a guest cart's secret that an attacker planted", () => {
  test("does not show the attacker what the victim buys after signing in", async () => {
    const attacker = shop.visitor();
    await addToCart(attacker, "pocket-a6");
    const victim = shop.visitor();
    victim.cookies.set("cart", String(attacker.cookies.get("cart")));
    await victim.signIn(ben.email, ben.password);
    await addToCart(victim, "harbour-65");
    expect(await lines(attacker, "/cart")).toEqual([]);
    expect(await lines(victim, "/shopping-cart")).toEqual(["harbour-65 × 1", "pocket-a6 × 1"]);
    await addToCart(attacker, "ledger-a5");
    expect(await lines(victim, "/shopping-cart")).toEqual(["harbour-65 × 1", "pocket-a6 × 1"]);
  });

  test("is not taken over if no cart of the shop has it", async () => {
    const made = "A".repeat(43);
    const guest = shop.visitor();
    guest.cookies.set("cart", made);
    await addToCart(guest, "ledger-a5");
    expect(guest.cookies.get("cart")).not.toBe(made);
    const planter = shop.visitor();
    planter.cookies.set("cart", made);
    expect(await lines(planter, "/cart")).toEqual([]);
  });

  test("counts for nothing while somebody is signed in", async () => {
    const attacker = shop.visitor();
    await addToCart(attacker, "pocket-a6");
    const user = shop.visitor();
    await user.signIn(ada.email, ada.password);
    user.cookies.set("cart", String(attacker.cookies.get("cart")));
    await addToCart(user, "ledger-a5");
    expect(await lines(user, "/shopping-cart")).toEqual(["ledger-a5 × 1"]);
    expect(await lines(attacker, "/cart")).toEqual(["pocket-a6 × 1"]);
  });

  test.each(["", "x", "A".repeat(44), "A".repeat(42) + "!", "../".repeat(20), "%00".repeat(14) + "A"])(
    "is no cart when it is %j",
    async (value) => {
      const guest = shop.visitor();
      guest.cookies.set("cart", value);
      expect((await guest.get("/cart")).status).toBe(200);
      await addToCart(guest, "ledger-a5");
      expect(guest.cookies.get("cart")).toMatch(/^[\w-]{43}$/);
    },
  );

  test("is no cart when there are two of them", async () => {
    const owner = shop.visitor();
    await addToCart(owner, "harbour-65");
    const secret = String(owner.cookies.get("cart"));
    const two = await shop
      .visitor()
      .send("GET", "/cart", { headers: { cookie: `cart=${secret}; cart=${"B".repeat(43)}` } });
    expect(shownLines(two.html)).toEqual([]);
  });
});

describe("a cookie header of blanks", () => {
  test("holds up nobody, and hides no cart (CWE-1333)", async () => {
    const owner = shop.visitor();
    await addToCart(owner, "harbour-65");
    const blanks = " \t".repeat(7_000);
    const secret = String(owner.cookies.get("cart"));
    const started = performance.now();
    for (const cookie of [`a${blanks}b=1; cart=${secret}`, `cart=${secret}${blanks}; a=1`]) {
      const cart = await shop.visitor().send("GET", "/cart", { headers: { cookie } });
      expect(shownLines(cart.html)).toEqual(["harbour-65 × 1"]);
    }
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe("a visitor who only looks", () => {
  test("has no cart: there is no cookie for one, and no row", async () => {
    const guest = shop.visitor();
    for (const path of ["/", "/cart", "/login"]) await guest.get(path);
    expect([...guest.cookies.keys()]).toEqual(["form"]);
    expect(shop.cartRows()).toEqual([]);
  });
});
