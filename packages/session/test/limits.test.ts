// The clocks (D5): idle and absolute limits to the second, and that nothing extends what nothing may extend (CWE-613).
import { expect, test } from "vitest";
import { everywhere } from "./application.ts";

everywhere("limits", (at) => {
  test("W1, step 11: each use extends the session; one second short of idle it lives", async () => {
    const app = await at.start({ workflow: "sessions" });
    const browser = await app.signedIn();
    for (let used = 0; used < 4; used++) {
      app.clock.pass(30 * 60 - 1, "seconds");
      expect((await browser.get("/shopping-cart")).status).toBe(200);
    }
  });

  test("W1, steps 13–14: at the idle limit the user signs in again, to the second", async () => {
    const app = await at.start({ workflow: "sessions" });
    const browser = await app.signedIn();
    await browser.get("/shopping-cart");
    app.clock.pass(30, "minutes");
    expect(await browser.get("/shopping-cart")).toMatchObject({
      status: 302,
      headers: { location: "/login" },
    });
    app.clock.pass(-1, "seconds");
    expect((await browser.get("/slow")).status).toBe(200);
  });

  test("W1: requests every minute do not carry a session past its absolute limit (ASVS 7.3.2)", async () => {
    const app = await at.start({
      workflow: "sessions",
      lifetimes: { signInAbsolute: "2h", sessionIdle: "5m" },
    });
    const browser = await app.signedIn();
    for (let passed = 1; passed < 120; passed++) {
      app.clock.pass(1, "minutes");
      expect((await browser.get("/shopping-cart")).status).toBe(200);
    }
    app.clock.pass(59, "seconds");
    expect((await browser.get("/shopping-cart")).status).toBe(200);
    app.clock.pass(1, "seconds");
    expect((await browser.get("/shopping-cart")).status).toBe(302);
  });

  test("W2: requests every minute renew a sign-in, and not past its absolute limit (ASVS 7.3.2)", async () => {
    const app = await at.start({ lifetimes: { signInAbsolute: "2h" } });
    const browser = await app.signedIn();
    const ids = new Set<string>();
    for (let passed = 1; passed < 120; passed++) {
      app.clock.pass(1, "minutes");
      expect((await browser.get("/shopping-cart")).status).toBe(200);
      ids.add(browser.cookie("session"));
    }
    expect(ids.size).toBeGreaterThan(8);
    app.clock.pass(59, "seconds");
    expect((await browser.get("/shopping-cart")).status).toBe(200);
    app.clock.pass(1, "seconds");
    const before = app.provider.calls.length;
    expect(await browser.get("/shopping-cart")).toMatchObject({ status: 302, setCookies: [] });
    expect(app.provider.calls.length).toBe(before);
  });

  test("W2: a sign-in that is not remembered is over an hour after its last renewal, to the second", async () => {
    const app = await at.start();
    const [early, late] = [await app.signedIn(), await app.signedIn()];
    app.clock.pass(3_599, "seconds");
    expect((await early.get("/shopping-cart")).status).toBe(200);
    app.clock.pass(1, "seconds");
    expect((await late.get("/shopping-cart")).status).toBe(302);
    app.clock.pass(3_598, "seconds");
    expect((await early.get("/shopping-cart")).status).toBe(200);
  });

  test("W2: a remembered sign-in lives 14 days without use, and its cookies with it", async () => {
    const app = await at.start();
    const [early, late] = [await app.signedIn({ remember: true }), await app.signedIn({ remember: true })];
    const copy = late.copy();
    app.clock.pass(14 * 86_400 - 1, "seconds");
    expect((await early.get("/shopping-cart")).status).toBe(200);
    app.clock.pass(1, "seconds");
    expect((await late.get("/shopping-cart")).status).toBe(302);
    expect(late.cookie("session")).toBe("");

    // A cookie that was edited to live longer (WSTG-SESS-07).
    for (const [name, { value }] of copy.jar) late.plant(name, value);
    expect((await late.get("/shopping-cart")).status).toBe(302);
  });

  test("W2: a remembered sign-in used every 10 days is over after 30, and its cookies end with it", async () => {
    const app = await at.start();
    const browser = await app.signedIn({ remember: true });
    const limit = app.clock.now() + app.sessions.lifetimes.rememberedAbsolute;
    for (let used = 0; used < 2; used++) {
      app.clock.pass(10, "days");
      expect((await browser.get("/shopping-cart")).status).toBe(200);
    }
    expect(browser.jar.get("session")?.until).toBe(limit);
    app.clock.pass(10 * 86_400 - 1, "seconds");
    const kept = browser.copy();
    expect((await browser.get("/shopping-cart")).status).toBe(200);
    app.clock.pass(1, "seconds");
    for (const [name, { value }] of kept.jar) browser.plant(name, value);
    expect((await browser.get("/shopping-cart")).status).toBe(302);
  });

  test("W2: asking often does not renew often: one renewal in ten minutes of use", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const before = app.provider.calls.length;
    const sessionId = browser.cookie("session");
    for (let used = 0; used < 19; used++) {
      app.clock.pass(30, "seconds");
      await browser.get("/shopping-cart");
    }
    expect(app.provider.calls.length).toBe(before);
    expect(browser.cookie("session")).toBe(sessionId);
    app.clock.pass(30, "seconds");
    await browser.get("/shopping-cart");
    expect(browser.cookie("session")).not.toBe(sessionId);
  });

  test.each(["sessions", "sessions+refresh-tokens"] as const)(
    "a session that nobody uses ends with its sign-in, also before it would be idle (%s)",
    async (workflow) => {
      const app = await at.start({ workflow, lifetimes: { signInAbsolute: "20m" } });
      const [early, late] = [await app.signedIn(), await app.signedIn()];
      app.clock.pass(20 * 60 - 1, "seconds");
      expect((await early.get("/shopping-cart")).status).toBe(200);
      app.clock.pass(1, "seconds");
      expect((await late.get("/shopping-cart")).status).toBe(302);
      expect((await early.get("/shopping-cart")).status).toBe(302);
    },
  );

  test("swept records change no answer", async () => {
    const app = await at.start();
    const [live, idle] = [await app.signedIn({ remember: true }), await app.signedIn()];
    app.clock.pass(61, "minutes");
    await app.sessions.maintain();
    expect((await live.get("/shopping-cart")).status).toBe(200);
    expect((await idle.get("/shopping-cart")).status).toBe(302);
    app.clock.pass(31, "days");
    await app.sessions.maintain();
    expect((await live.get("/shopping-cart")).status).toBe(302);
    expect((await idle.get("/shopping-cart")).status).toBe(302);
  });
});

everywhere("limits as described", (at) => {
  test("W1 as described knows an idle limit only: used often enough, a session never ends", async () => {
    const app = await at.start({ workflow: "sessions", policy: "as-described" });
    const browser = await app.signedIn();
    for (let used = 0; used < 100; used++) {
      app.clock.pass(29, "minutes");
      expect((await browser.get("/shopping-cart")).status).toBe(200);
    }
    app.clock.pass(30, "minutes");
    expect((await browser.get("/shopping-cart")).status).toBe(302);
  });
});
