// The adapters move headers and decide nothing: what an application answers itself stays, whatever way it answers.
import { expect, test } from "vitest";
import { parseSetCookie } from "../../../test/set-cookie-rule.ts";
import { onEveryFramework, onFramework, type Place } from "./application.ts";
import type { Browser } from "./browser.ts";

const names = (setCookies: readonly string[]) =>
  setCookies.map((each) => parseSetCookie(each).name).toSorted();
const pair = ["refresh-token", "session"];

/** A browser whose next request is renewed, so that its response has cookies to set. */
async function due(at: Place): Promise<Browser> {
  const app = await at.start();
  const browser = await app.signedIn();
  app.clock.pass(31, "minutes");
  return browser;
}

onEveryFramework("an adapter", (at) => {
  test("leaves a handler's own Set-Cookie beside the library's", async () => {
    const answer = await (await due(at)).get("/own-cookie");
    expect(answer).toMatchObject({ status: 200, body: "own cookie" });
    expect(names(answer.setCookies)).toEqual(["cart", ...pair]);
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  test("leaves headers that a handler writes all at once, and none of them lets the cookies be stored", async () => {
    for (const path of ["/own-headers", "/own-header-list"]) {
      const answer = await (await due(at)).get(path);
      expect(answer).toMatchObject({ status: 200, body: "own headers" });
      expect(names(answer.setCookies)).toEqual(["cart", ...pair]);
      expect(answer.headers["cache-control"]).toBe("no-store");
    }
  });

  test("says no-store on every signed-in page, unless the page says otherwise and sets no cookie", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    expect((await browser.get("/shopping-cart")).headers["cache-control"]).toBe("no-store");
    expect((await browser.get("/")).headers["cache-control"]).toBe("no-store");
    expect((await browser.get("/own-cache")).headers["cache-control"]).toBe("private, max-age=60");
    app.clock.pass(31, "minutes");
    const renewed = await browser.get("/own-cache");
    expect(names(renewed.setCookies)).toEqual(pair);
    expect(renewed.headers["cache-control"]).toBe("no-store");
  });

  test("leaves a visitor's public page to be stored as the application likes, unless it sets a cookie", async () => {
    const app = await at.start();
    expect((await app.browser().get("/")).headers["cache-control"]).toBeUndefined();
    const form = await app.browser().get("/login");
    expect(names(form.setCookies)).toEqual(["form"]);
    expect(form.headers["cache-control"]).toBe("no-store");
  });

  test("sets cookies on a streamed response, and leaves the stream whole", async () => {
    const browser = await due(at);
    const answer = await browser.get("/stream");
    expect(answer).toMatchObject({ status: 200, body: "first part, second part" });
    expect(names(answer.setCookies)).toEqual(pair);
    expect((await browser.get("/shopping-cart")).setCookies).toEqual([]);
  });

  test("answers HEAD as GET, without a body, cookies included", async () => {
    const browser = await due(at);
    const answer = await browser.request("HEAD", "/shopping-cart");
    expect(answer).toMatchObject({ status: 200, body: "" });
    expect(names(answer.setCookies)).toEqual(pair);
    expect((await browser.request("HEAD", "/login")).status).toBe(200);
    const visitor = (await at.start()).browser();
    expect(await visitor.request("HEAD", "/shopping-cart")).toMatchObject({ status: 302, body: "" });
  });

  test("sets cookies on the application's own 404 and error pages: the renewal happened all the same", async () => {
    for (const [path, status] of [
      ["/no-such-page", 404],
      ["/throws", 500],
    ] as const) {
      const browser = await due(at);
      const answer = await browser.get(path);
      expect(answer.status).toBe(status);
      expect(names(answer.setCookies)).toEqual(pair);
      expect(answer.headers["cache-control"]).toBe("no-store");
      expect((await browser.get("/shopping-cart")).status).toBe(200);
    }
  });

  test("leaves errors to the application's own error page", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    expect(await browser.get("/throws")).toMatchObject({
      status: 500,
      body: "the application's own error page",
    });
    expect((await browser.get("/shopping-cart")).status).toBe(200);
  });

  test("gives refusals the application's own page, and nothing of the request in it", async () => {
    const app = await at.start({ page: (status, message) => `<h1>${status}</h1>${message}` });
    const browser = await app.signedIn();
    const answer = await browser.post("/items?<script>", { item: "lamp" }, { token: "<script>" });
    expect(answer.status).toBe(403);
    expect(answer.body).toMatch(/^<h1>403<\/h1>/);
    expect(answer.body).not.toContain("<script>");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  });

  test("answers for a header that can't be written with an error, cookies to set or not, and goes on", async () => {
    for (const browser of [await due(at), await (await at.start()).signedIn()]) {
      const answer = await browser.get("/impossible-header");
      expect(answer.status).toBe(500);
      expect(answer.body).not.toContain("the page");
      // Where the renewed pair did not get through, it is handed over now (D7).
      expect((await browser.get("/shopping-cart")).status).toBe(200);
    }
  });

  test("keeps 50 visitors' requests at once apart", async () => {
    const app = await at.start();
    const people = [await app.provider.person(), await app.provider.person(), await app.provider.person()];
    const browsers = await Promise.all(people.map((person) => app.signedIn({ person })));
    app.clock.pass(31, "minutes");
    const tabs = Array.from({ length: 17 }, () => browsers).flat();
    const answers = await Promise.all(tabs.map((tab) => tab.get("/shopping-cart")));
    for (const [index, { body }] of answers.entries()) expect(body).toContain(people[index % 3]?.email);
  });
});

onFramework("Express", "an adapter", (at) => {
  test.each(["/send-then-throw", "/send-then-next", "/send-then-write-head", "/send-then-flush"])(
    "sends the page of a handler that errs afterwards: %s",
    async (path) => {
      const answer = await (await due(at)).get(path);
      expect(answer).toMatchObject({ status: 200, body: "the page" });
      expect(names(answer.setCookies)).toEqual(pair);
    },
  );

  test("breaks off a response that can't be written, and nothing else", async () => {
    const browser = await due(at);
    await expect(browser.get("/impossible-status")).rejects.toThrow(/socket|ECONN|hang/i);
    expect((await browser.get("/shopping-cart")).status).toBe(200);
  });
});

onFramework("Fastify", "an adapter", (at) => {
  test("sets cookies once on a reply that is sent twice, because its stream failed", async () => {
    const answer = await (await due(at)).get("/broken-stream");
    expect(answer.status).toBe(500);
    expect(names(answer.setCookies)).toEqual(pair);
  });
});
