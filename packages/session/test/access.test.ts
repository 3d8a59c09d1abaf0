// Who may see what: every path needs a signed-in user unless it is listed, however it is spelt (WSTG-ATHN-04).
import { expect, test } from "vitest";
import { onEveryFramework } from "./application.ts";
import { exchange } from "./http.ts";

const html = { accept: "text/html" };

onEveryFramework("access", (at) => {
  test.each(["/shopping-cart", "/items", "/slow", "/no-such-page", "/stream"])(
    "%s is not shown to a visitor, whether it exists or not (ASVS 7.2.1)",
    async (path) => {
      const app = await at.start();
      const answer = await app.browser().get(path);
      expect(answer).toMatchObject({ status: 302, body: "", setCookies: [] });
      expect(answer.headers["location"]).toMatch(/^\/login(\?|$)/);
      expect(answer.headers["cache-control"]).toBe("no-store");
    },
  );

  test.each(["POST", "PUT", "PATCH", "DELETE"])(
    "%s is refused to a visitor, and runs no handler",
    async (method) => {
      const app = await at.start();
      for (const path of ["/items", "/no-such-page"]) {
        const answer = await app.browser().request(method, path, "item=lamp");
        expect(answer).toMatchObject({
          status: 302,
          headers: { location: "/login" },
          body: "",
          setCookies: [],
        });
      }
    },
  );

  test.each([
    "//login",
    "//shopping-cart",
    "///evil.example/shopping-cart",
    "/login/../shopping-cart",
    "/assets/../shopping-cart",
    "/assets/./../shopping-cart",
    "/assets/%2e%2e/shopping-cart",
    "/assets/%2E%2E/shopping-cart",
    "/assets/.%2e/shopping-cart",
    "/assets/..%2fshopping-cart",
    "/assets/..%5cshopping-cart",
    "/assets/..\\shopping-cart",
    "/assets//../shopping-cart",
    "/login%00/../shopping-cart",
    "/assets/%00/shopping-cart",
    "/LOGIN/../shopping-cart",
    "/shopping-cart/",
    "/SHOPPING-CART",
    "/shopping-cart?/login",
    "/shopping-cart;/login",
    "/shopping-cart%20",
    "/%73hopping-cart",
    "/./shopping-cart",
    "/x/../shopping-cart",
    "http://evil.example/shopping-cart",
    "http://127.0.0.1/shopping-cart",
  ])("the spelling %j opens nothing", async (path) => {
    const app = await at.start();
    const answer = await exchange(app.port, { method: "GET", path, headers: html });
    // 401 would mean that a handler ran, and was stopped only by asking for a user.
    expect([302, 400, 404]).toContain(answer.status);
    expect(answer.body).not.toContain("cart of");
    expect(String(answer.headers["location"] ?? "/login")).toMatch(/^\/login(\?|$)/);
  });

  test.each([
    "/login/",
    "/LOGIN",
    "/Login",
    "/login%2f",
    "/%6cogin",
    "//login",
    "/login;x",
    "/loginx",
    "/assetsx/style.css",
  ])("the spelling %j of a public path is not on the list", async (path) => {
    const app = await at.start();
    const answer = await exchange(app.port, { method: "GET", path, headers: html });
    expect([302, 400, 404]).toContain(answer.status);
    expect(answer.body).not.toContain("form-token");
  });

  test("a listed path is open, also with a query", async () => {
    const app = await at.start();
    for (const path of [
      "/",
      "/?a=b",
      "/login",
      "/login?returnTo=%2Fslow",
      "/assets/style.css",
      "/assets/style.css?v=2",
    ]) {
      expect((await app.browser().get(path)).status).toBe(200);
    }
  });

  test("a path that is listed by mistake refuses all the same (CVE-2025-29927)", async () => {
    const app = await at.start();
    const answer = await app.browser().get("/mistaken");
    expect(answer.status).toBe(401);
    expect(answer.body).not.toContain("secrets of");
  });

  test("headers that a proxy or a framework may believe open nothing", async () => {
    const app = await at.start();
    const headers = {
      "x-original-url": "/login",
      "x-rewrite-url": "/login",
      "x-forwarded-host": "evil.example",
      "x-http-method-override": "GET",
      "x-middleware-subrequest": "middleware",
      authorization: "Bearer x",
    };
    const answer = await app.browser().get("/shopping-cart", { headers });
    expect(answer).toMatchObject({ status: 302, headers: { location: "/login" } });
  });

  test("a program that wants JSON gets 401 and a JSON body instead of a page it can't use", async () => {
    const app = await at.start();
    const answer = await app.browser().get("/shopping-cart", { headers: { accept: "application/json" } });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toEqual({ error: "sign-in-required" });
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  test("a request without cookies costs no look-up in the store, signed in or not wanted", async () => {
    const app = await at.start();
    for (const path of ["/", "/login", "/shopping-cart", "/assets/style.css", "/no-such-page"])
      await app.browser().get(path);
    await app.browser().request("POST", "/items", "item=lamp");
    expect(app.store.calls).toEqual([]);
  });

  test("a session cookie that can't be one costs no look-up either", async () => {
    const app = await at.start();
    for (const value of [
      "x",
      "A".repeat(42),
      "A".repeat(44),
      "A".repeat(3_000),
      "%41".repeat(14),
      "'; DROP TABLE sessions; --",
    ]) {
      const browser = app.browser();
      browser.plant("session", value);
      expect((await browser.get("/shopping-cart")).status).toBe(302);
    }
    expect(app.store.calls).toEqual([]);
  });

  test("reading and extending a session is one look-up", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await browser.get("/shopping-cart");
    app.store.calls.length = 0;
    for (let request = 0; request < 3; request++) await browser.get("/shopping-cart");
    expect(app.store.calls).toEqual(["useSession", "useSession", "useSession"]);
  });

  test("an unknown page is the application's own 404 for a signed-in user", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    expect(await browser.get("/no-such-page")).toMatchObject({ status: 404, setCookies: [] });
  });
});
