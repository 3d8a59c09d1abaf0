// The device cookie: tells the provider that a browser has signed in before, and is good for nothing else (ASVS 6.3.5).
import { expect, test } from "vitest";
import { assertSetCookie, parseSetCookie } from "../../../test/set-cookie-rule.ts";
import { deviceId } from "../src/device.ts";
import { devicesOf, post } from "./account.ts";
import { everywhere, onEveryFramework, type TestApplication } from "./application.ts";
import { type Browser, cart } from "./browser.ts";

const deviceCookie = (browser: Browser) =>
  (browser.jar.get("device") ?? browser.jar.get("__Host-device"))?.value ?? "";

/** Device ids the provider is told from now on; `null` for a sign-in without one. */
function told(app: TestApplication): (string | null)[] {
  const ids: (string | null)[] = [];
  app.provider.fault = (request) => {
    if (new URL(request.url).pathname !== "/api/login") return null;
    app.provider.fault = null;
    return request
      .clone()
      .json()
      .then(({ metaData }: { metaData: { data?: { deviceId: string } } }) => {
        ids.push(metaData.data?.deviceId ?? null);
        return app.options.identityProvider.fetch?.(request) ?? new Response(null, { status: 500 });
      })
      .finally(() => (app.provider.fault = fault));
  };
  const { fault } = app.provider;
  return ids;
}

everywhere("the device cookie", (at) => {
  test("is set when somebody signs in, for 400 days, and stays the same from then on", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = app.browser();
    const signedIn = await browser.signIn(person.email, person.password);
    const [cookie] = signedIn.setCookies.map(parseSetCookie).filter(({ name }) => name === "device");
    expect(cookie?.value).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(Object.fromEntries(cookie?.attributes ?? [])).toEqual({
      "max-age": String(400 * 86_400),
      path: "/",
      httponly: "",
      samesite: "Lax",
    });
    for (const response of [await cart(browser), await browser.get("/login"), await browser.get("/")]) {
      expect(response.setCookies.filter((each) => each.startsWith("device="))).toEqual([]);
    }
    const kept = deviceCookie(browser);
    await post(browser, "/logout");
    browser.restart();
    expect(deviceCookie(browser)).toBe(kept);
    await browser.signIn(person.email, person.password);
    expect(deviceCookie(browser)).toBe(kept);
  });

  test("has the __Host- prefix and Secure on an https origin", async () => {
    const app = await at.start({ origin: "https://shop.example.com" });
    const { email, password } = await app.provider.person();
    const browser = app.browser();
    const { status, setCookies, headers } = await browser.signIn(email, password);
    const cacheControl = String(headers["cache-control"]);
    assertSetCookie({ status, setCookies, cacheControl }, { https: true });
    expect(setCookies.map((each) => parseSetCookie(each).name)).toContain("__Host-device");
  });

  test("is told to the provider only as what it can't be found from: stable for each browser, new for another", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const ids = told(app);
    const browser = await app.signedIn({ person });
    await post(browser, "/logout");
    await browser.signIn(person.email, person.password);
    await app.signedIn({ person });
    const [first, again, other] = ids;
    expect(first).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(first).toBe(deviceId("store", deviceCookie(browser)));
    expect(first).not.toBe(deviceCookie(browser));
    expect(first).not.toBe(deviceId("forum", deviceCookie(browser)));
  });

  test("stays the same when the cookie keys are rolled", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = await app.signedIn({ person });
    const [key] = app.options.cookieKeys;
    const rolled = await at.start({
      beside: app,
      cookieKeys: [{ id: "2027a", secret: Buffer.alloc(32, 7).toString("base64url") }, ...(key ? [key] : [])],
    });
    const ids = told(app);
    const kept = deviceCookie(browser);
    await browser.get("/login", { port: rolled.port });
    await browser.post("/login", { loginId: person.email, password: person.password }, { port: rolled.port });
    expect(ids).toEqual([deviceId("store", kept)]);
  });

  test("opens nothing by itself, and is kept nowhere", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const value = deviceCookie(browser);
    const record = await app.store.newestSignIn((await app.provider.anybody()).id);
    expect(JSON.stringify(record)).not.toContain(value);
    expect(JSON.stringify(app.events)).not.toContain(value);
    const calls = app.store.calls.length;
    const finder = app.browser();
    finder.plant("device", value);
    expect((await cart(finder)).status).toBe(302);
    expect(await finder.get("/")).toMatchObject({ body: "a visitor" });
    expect(app.store.calls.length).toBe(calls);
    for (const name of ["session", "refresh-token"] as const) finder.plant(name, value);
    expect((await cart(finder)).status).toBe(302);
  });

  test("of two that a sibling host tossed locks nobody out: neither counts, and the user signs in (CWE-384)", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = await app.signedIn({ person });
    const own = deviceCookie(browser);
    const tossed = "T".repeat(43);
    const headers = (jar: Browser) => ({
      cookie: [...Array.from(jar.jar, ([name, { value }]) => `${name}=${value}`), `device=${tossed}`].join(
        "; ",
      ),
    });
    expect((await browser.get("/shopping-cart", { headers: headers(browser) })).status).toBe(200);
    await browser.get("/login");
    const ids = told(app);
    const form = { loginId: person.email, password: person.password };
    const answer = await browser.post("/login", form, { headers: headers(browser) });
    expect(answer.status).toBe(302);
    expect(ids).not.toContain(deviceId("store", tossed));
    expect(ids).not.toContain(deviceId("store", own));
    expect(deviceCookie(browser)).not.toBe(tossed);
  });

  test.each(["", "short", "x".repeat(44), "a b", "%00", "é".repeat(43), "x".repeat(4_000)])(
    "that nobody made makes way for one of ours (%j)",
    async (planted) => {
      const app = await at.start();
      const { email, password } = await app.provider.anybody();
      const browser = app.browser();
      await browser.get("/login");
      browser.plant("device", encodeURI(planted));
      const ids = told(app);
      expect((await browser.post("/login", { loginId: email, password })).status).toBe(302);
      expect(deviceCookie(browser)).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(ids).toEqual([deviceId("store", deviceCookie(browser))]);
    },
  );
});

onEveryFramework("the device cookie", (at) => {
  test("is not set by a refused sign-in, nor by one the provider could not answer", async () => {
    const app = await at.start();
    const { email } = await app.provider.person();
    const browser = app.browser();
    expect((await browser.signIn(email, "not the right pass phrase")).status).toBe(401);
    app.provider.fault = () => Promise.reject(new TypeError("fetch failed"));
    expect((await browser.signIn(email, "not the right pass phrase")).status).toBe(503);
    expect(deviceCookie(browser)).toBe("");
  });

  test("is neither set nor told under the workflows as published", async () => {
    const app = await at.start({ policy: "as-described" });
    const ids = told(app);
    const browser = await app.signedIn();
    expect(deviceCookie(browser)).toBe("");
    expect(ids).toEqual([null]);
  });

  test("makes the owner's browser known to the provider: a guesser's failures don't hold it up (ASVS 6.3.1)", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = await app.signedIn({ person });
    await post(browser, "/logout");
    const guesser = app.browser();
    let answer = await guesser.signIn(person.email, "not the right pass phrase");
    for (let tried = 0; tried < 20 && answer.status === 401; tried++)
      answer = await guesser.signIn(person.email, "not the right pass phrase");
    expect(answer.status).toBe(429);
    expect((await browser.signIn(person.email, person.password)).status).toBe(302);
    expect(await devicesOf(browser)).toHaveLength(1);
    app.clock.pass(1, "days");
  });
});
