// Renewals whose answers come late, out of order or not at all (D7): the user notices nothing, and none of it is theft.
import { expect, test } from "vitest";
import { everywhere, type Place, withReusableTokens } from "./application.ts";
import { cart } from "./browser.ts";
import { cookiesSet } from "./http.ts";

const renewal = (at: Place) => {
  test("serves a tab that comes with the old pair up to 30 s after the new one was first used, and hands it nothing", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const tab = browser.copy();
    app.clock.pass(31, "minutes");
    await cart(browser);
    app.clock.pass(2, "minutes");
    await cart(browser);
    app.clock.pass(30, "seconds");
    app.provider.calls.length = 0;
    expect(await cart(tab)).toMatchObject({ status: 200, setCookies: [] });
    expect(app.provider.calls).toEqual([]);
    expect((await cart(browser)).status).toBe(200);
  });

  test("whose answer was lost is served again, with another session id, and the lost one is dead", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const [lost = ""] = cookiesSet([await cart(browser, { lost: true })], "session");
    app.clock.pass(31, "seconds");
    expect((await cart(browser)).status).toBe(200);
    expect(browser.cookie("session")).not.toBe(lost);
    expect((await cart(browser)).status).toBe(200);

    const finder = app.browser();
    finder.plant("session", lost);
    expect((await cart(finder)).status).toBe(302);
    app.clock.pass(31, "minutes");
    expect((await cart(browser)).status).toBe(200);
  });

  test("whose answers are lost 40 times in a row leaves no more than 16 attempts to recognise", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const before = browser.copy();
    app.clock.pass(31, "minutes");
    for (let loss = 0; loss < 40; loss++) {
      expect((await cart(browser, { lost: true })).status).toBe(200);
      app.clock.pass(31, "seconds");
    }
    const signIn = await app.store.newestSignIn((await app.provider.anybody()).id);
    expect(signIn.attempt).toBe(16);
    expect((await cart(before)).status).toBe(200);
    expect((await cart(before)).status).toBe(200);
  });

  test("whose answers are lost again and again is served in the end", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const ids = new Set<string>();
    for (let round = 0; round < 6; round++) {
      const [id = ""] = cookiesSet([await cart(browser, { lost: true })], "session");
      ids.add(id);
      app.clock.pass(31, "seconds");
    }
    expect(ids.size).toBe(6);
    expect((await cart(browser)).status).toBe(200);
    app.clock.pass(11, "minutes");
    expect((await cart(browser)).status).toBe(200);
  });

  test("whose answer was lost within 30 s is handed over as it is", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const [lost] = cookiesSet([await cart(browser, { lost: true })], "session");
    app.clock.pass(30, "seconds");
    expect((await cart(browser)).status).toBe(200);
    expect(browser.cookie("session")).toBe(lost);
  });

  test("whose answers arrive out of order ends with the pair that counts", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const late = await cart(browser, { lost: true });
    app.clock.pass(31, "seconds");
    await cart(browser);
    const counts = browser.cookie("session");
    const [[session = ""], [refreshToken = ""]] = [
      cookiesSet([late], "session"),
      cookiesSet([late], "refresh-token"),
    ];
    const overtaken = browser.holding(session, refreshToken);
    expect((await cart(overtaken)).status).toBe(200);
    expect(overtaken.cookie("session")).toBe(counts);
    expect((await cart(overtaken)).setCookies).toEqual([]);
    expect(app.events.filter(({ type }) => type === "reuse-detected")).toEqual([]);
  });

  test("that was handed over late starts its 30 s again: the next tab gets the same pair", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const tab = browser.copy();
    app.clock.pass(31, "minutes");
    const late = await cart(browser, { lost: true });
    app.clock.pass(31, "seconds");
    await cart(browser, { lost: true });
    app.clock.pass(20, "seconds");
    const [[session = ""], [refreshToken = ""]] = [
      cookiesSet([late], "session"),
      cookiesSet([late], "refresh-token"),
    ];
    const overtaken = browser.holding(session, refreshToken);
    expect((await cart(overtaken)).status).toBe(200);
    app.clock.pass(25, "seconds");
    expect((await cart(tab)).status).toBe(200);
    expect(tab.cookie("session")).toBe(overtaken.cookie("session"));
  });
};
everywhere("renewal", renewal);
withReusableTokens("renewal", renewal);
