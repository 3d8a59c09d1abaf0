import { describe, expect, test } from "vitest";
import type { Page } from "../../../test/applications/browser.ts";
import { ada } from "../../../test/applications/company.ts";
import { addToCart, openShop } from "./shop.ts";

const policy =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

function expectSecurityHeaders({ headers }: Page): void {
  expect(headers.get("content-security-policy")).toBe(policy);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("same-origin");
  expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
  expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
  for (const name of ["x-powered-by", "server", "etag"]) expect(headers.has(name)).toBe(false);
}

describe("on plain http", () => {
  const shop = openShop();

  test.each([
    [200, "/"],
    [200, "/login"],
    [200, "/cart"],
    [302, "/shopping-cart"],
    [302, "/no-such-page"],
    [400, "/%zz"],
    [400, "//evil.example/"],
    [404, "/assets/no-such-file.css"],
  ])("a %i for %s has the headers and is not kept", async (status, path) => {
    const answer = await shop.visitor().get(path);
    expect(answer.status).toBe(status);
    expectSecurityHeaders(answer);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.has("strict-transport-security")).toBe(false);
  });

  test.each(["pico.css", "store.css", "icon.svg", "harbour-65.svg"])(
    "the file %s has the headers, may be kept, and costs no cookie",
    async (name) => {
      const answer = await shop.visitor().get(`/assets/${name}`);
      expect(answer.status).toBe(200);
      expectSecurityHeaders(answer);
      expect(answer.headers.get("cache-control")).toBe("public, max-age=300");
      expect(answer.headers.get("content-type")).toMatch(/^(text\/css|image\/svg\+xml)/);
      expect(answer.setCookies).toEqual([]);
    },
  );

  test("refusals, a missing page, a sent form and an outage have them", async () => {
    const visitor = shop.visitor();
    const refused = await visitor.signIn(ada.email, "wrong");
    const signedIn = await visitor.signIn(ada.email, ada.password);
    const missing = await visitor.get("/no-such-page");
    const forged = await visitor.send("POST", "/logout", { headers: { origin: "https://evil.example" } });
    const wrongType = await visitor.send("POST", "/login", {
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    const form = await visitor.get("/");
    const added = await visitor.submit(form, "/shopping-cart/items");
    const stranger = shop.visitor();
    const login = await stranger.get("/login");
    shop.company.isReachable = false;
    const outage = await stranger.submit(login, "/login", { email: ada.email, password: ada.password });
    const answers = [refused, signedIn, missing, forged, wrongType, added, outage];
    expect(answers.map(({ status }) => status)).toEqual([401, 302, 404, 403, 415, 303, 503]);
    for (const answer of answers) {
      expectSecurityHeaders(answer);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });

  test("no page has a script, or anything else inline", async () => {
    const visitor = shop.visitor();
    await addToCart(visitor, "harbour-65");
    shop.company.isReachable = true;
    const user = shop.visitor();
    await user.signIn(ada.email, ada.password);
    const pages = [
      ...["/", "/cart", "/login"].map((path) => visitor.get(path)),
      ...["/shopping-cart", "/account", "/account/password"].map((path) => user.get(path)),
    ];
    for (const { status, html } of await Promise.all(pages)) {
      expect(status).toBe(200);
      expect(html).not.toMatch(/<script|<style|\sstyle=|\son\w+=/i);
    }
  });
});

describe("on https", () => {
  const shop = openShop({ origin: "https://store.example.com" });

  test("browsers are told to come back on https only, also on files and redirects", async () => {
    for (const path of ["/", "/shopping-cart", "/assets/store.css", "/%zz"]) {
      const { headers } = await shop.visitor().get(path);
      expect(headers.get("strict-transport-security")).toBe("max-age=31536000; includeSubDomains");
    }
  });

  test("the guest's cart has a cookie that no other host can plant", async () => {
    const guest = shop.visitor();
    await addToCart(guest, "ledger-a5");
    expect(guest.cookies.get("__Host-cart")).toMatch(/^[\w-]{43}$/);
    const { setCookies } = await guest.signIn(ada.email, ada.password);
    expect(setCookies).toContain("__Host-cart=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure");
  });
});
