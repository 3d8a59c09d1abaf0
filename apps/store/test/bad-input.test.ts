import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { quantityField } from "../src/fields.ts";
import type { Browser } from "../../../test/applications/browser.ts";
import { ada } from "../../../test/applications/company.ts";
import { addToCart, openShop } from "./shop.ts";

const shop = openShop();
let user: Browser;
let guest: Browser;
let tokens: Map<Browser, string>;

beforeAll(async () => {
  user = shop.visitor();
  await user.signIn(ada.email, ada.password);
  guest = shop.visitor();
  tokens = new Map();
  for (const visitor of [user, guest]) {
    await addToCart(visitor, "ledger-a5", 2);
    const { html } = await visitor.get("/");
    tokens.set(visitor, /name="form-token" value="([^"]+)"/.exec(html)?.[1] ?? "");
  }
});

const form = "application/x-www-form-urlencoded";

async function send(visitor: Browser, path: string, body: string, type = form): Promise<number> {
  const headers = { "content-type": type, "x-form-token": tokens.get(visitor) ?? "" };
  const answer = await visitor.send("POST", path, { body, headers });
  expect(answer.html).toMatch(answer.status >= 400 ? /^<!doctype html>/ : /^$/);
  expect(answer.html).not.toMatch(/\bat .*\.ts:|node_modules|SQLITE/);
  return answer.status;
}

/** Bodies that mean nothing to any route. */
const nonsense = [
  "",
  "%",
  "%zz=%zz",
  "&&&===",
  "__proto__=1&__proto__[quantity]=1",
  "constructor[prototype][quantity]=1",
  "quantity",
  "product=ledger-a5",
  "product=&quantity=",
  "product[]=ledger-a5&quantity[]=1",
  "product[id]=ledger-a5&quantity[$gt]=1",
  "product=ledger-a5&product=ledger-a5&quantity=1&quantity=1",
  "product=ledger-a5%00&quantity=1%00",
  ...[
    "0",
    "-1",
    "100",
    "1.5",
    "1e1",
    "01",
    "+1",
    "0x1",
    "NaN",
    "Infinity",
    "１",
    "1 ",
    "9".repeat(400),
    "two",
  ].map((quantity) => `product=ledger-a5&quantity=${encodeURIComponent(quantity)}`),
];

const routes = [
  "/shopping-cart/items",
  "/shopping-cart/items/ledger-a5",
  "/shopping-cart/items/no-such-product",
  "/shopping-cart/items/__proto__",
  "/shopping-cart/items/harbour-65/remove",
  "/login",
  "/account/devices/end",
  "/account/password",
];

describe.each(routes)("POST %s", (route) => {
  test("answers nonsense with 4xx and stores nothing", async () => {
    const before = shop.cartRows();
    // A guest is sent to the login form from the account's pages, whatever the body.
    for (const visitor of route.startsWith("/account/") ? [user] : [user, guest]) {
      for (const body of nonsense) {
        const status = await send(visitor, route, body);
        expect([body.slice(0, 40), Math.floor(status / 100)]).toEqual([body.slice(0, 40), 4]);
      }
    }
    expect(shop.cartRows()).toEqual(before);
    expect(shop.errors).toEqual([]);
  });

  test("answers a body that is no form, or too large, with 4xx and stores nothing", async () => {
    const before = shop.cartRows();
    const good = "product=ledger-a5&quantity=1";
    expect(await send(user, route, '{"product":"ledger-a5","quantity":"1"}', "application/json")).toBe(415);
    expect(await send(user, route, good, "text/plain")).toBe(415);
    expect(await send(user, route, good, "multipart/form-data; boundary=x")).toBe(415);
    expect(await send(user, route, `${good}&more=${"x".repeat(70_000)}`)).toBe(413);
    expect(shop.cartRows()).toEqual(before);
  });
});

test.each(["no-such-product", "__proto__", "ledger-a5\0", "LEDGER-A5", " ledger-a5", "x".repeat(30_000)])(
  "a product the shop does not sell can't be put into a cart: %s",
  async (product) => {
    const before = shop.cartRows();
    const body = new URLSearchParams({ product, quantity: "1" }).toString();
    for (const visitor of [user, guest]) expect(await send(visitor, "/shopping-cart/items", body)).toBe(404);
    expect(shop.cartRows()).toEqual(before);
  },
);

test.each([
  ["/shopping-cart/items/%00", 404],
  ["/shopping-cart/items/%00/remove", 404],
  ["/shopping-cart/items/..%2fledger-a5/remove", 404],
  ["/shopping-cart/items/%zz/remove", 400],
  [`/shopping-cart/items/${"x".repeat(2_000)}/remove`, 414],
])("a signed-in user who posts to %s changes nothing", async (path, status) => {
  const before = shop.cartRows();
  expect(await send(user, path, "quantity=1")).toBe(status);
  expect(shop.cartRows()).toEqual(before);
});

test("a verb that a path does not have is refused, and changes nothing", async () => {
  const before = shop.cartRows();
  const headers = { "x-form-token": tokens.get(user) ?? "" };
  for (const [method, path] of [
    ["PUT", "/shopping-cart/items/ledger-a5"],
    ["DELETE", "/shopping-cart/items/ledger-a5"],
    ["PATCH", "/login"],
    ["POST", "/"],
    ["POST", "/shopping-cart"],
    ["POST", "/account"],
    ["POST", "/account/devices"],
    ["GET", "/account/devices/end-all"],
    ["GET", "/shopping-cart/items"],
    ["GET", "/shopping-cart/items/ledger-a5/remove"],
  ] as const) {
    expect((await user.send(method, path, { headers })).status).toBe(404);
  }
  expect(shop.cartRows()).toEqual(before);
});

test.each(["/%zz", "/%", "/shopping-cart/items/%zz", "//evil.example", "/assets/..%2fpackage.json", "/a\\b"])(
  "the address %s is refused or leads to the login form",
  async (path) => {
    const answer = await shop.visitor().get(path);
    expect([302, 400, 404]).toContain(answer.status);
    expect(answer.location ?? "/login").toMatch(/^\/login/);
    expect(answer.html).not.toContain("@latchkey");
  },
);

test("an unknown path is for signed-in users to find missing", async () => {
  expect((await shop.visitor().get("/orders")).location).toBe("/login?returnTo=%2Forders");
  const answer = await user.get("/orders");
  expect([answer.status, answer.html.includes("There is no such page")]).toEqual([404, true]);
});

test("a quantity is 1 to 99 in plain digits, whatever is sent", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.anything()), (quantity) => {
      const read = quantityField({ quantity });
      expect(read === null || (read >= 1 && read <= 99 && String(read) === quantity)).toBe(true);
    }),
  );
});
