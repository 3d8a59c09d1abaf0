import { describe, expect, test } from "vitest";
import { ada } from "../../../test/applications/company.ts";
import { securityHeaders, strictTransportSecurity } from "../../../test/applications/security-headers.ts";
import { addToCart, openShop } from "./shop.ts";

securityHeaders(openShop(), {
  pages: [
    [200, "/"],
    [200, "/login"],
    [200, "/cart"],
    [302, "/shopping-cart"],
    [302, "/no-such-page"],
    [400, "/%zz"],
    [400, "//evil.example/"],
    [404, "/assets/no-such-file.css"],
  ],
  files: ["pico.css", "store.css", "icon.svg", "harbour-65.svg"],
  userPages: ["/shopping-cart", "/account", "/account/password"],
  sendForm: async (user) => user.submit(await user.get("/"), "/shopping-cart/items"),
});

describe("on https", () => {
  const shop = openShop({ origin: "https://store.example.com" });

  strictTransportSecurity(shop, ["/", "/shopping-cart", "/assets/store.css", "/%zz"]);

  test("the guest's cart has a cookie that no other host can plant", async () => {
    const guest = shop.visitor();
    await addToCart(guest, "ledger-a5");
    expect(guest.cookies.get("__Host-cart")).toMatch(/^[\w-]{43}$/);
    const { setCookies } = await guest.signIn(ada.email, ada.password);
    expect(setCookies).toContain("__Host-cart=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure");
  });
});
