// A user's devices: looked at and ended by their user alone (ASVS 7.4.5, 7.5.2; CWE-639), and ended for good (D8).
import { randomBytes, randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { devicesOf, ownSignInId, post, signedInOften } from "./account.ts";
import { endings, everywhere, onEveryFramework, workflows } from "./application.ts";
import { cart } from "./browser.ts";
import { gate } from "./clock.ts";
import { refusedConnection } from "./provider.ts";

everywhere("a user's devices", (at) => {
  test.each(workflows)("are listed, last used first, this one marked (%s)", async (workflow) => {
    const app = await at.start({ workflow });
    const person = await app.provider.person();
    const desk = await app.signedIn({ person, remember: true });
    const signedInAt = app.clock.now();
    app.clock.pass(5, "minutes");
    const phone = await app.signedIn({ person });
    const shown = await devicesOf(desk);
    expect(shown).toEqual([
      {
        signInId: expect.any(String),
        name: "Firefox on Linux",
        address: "127.0.0.1",
        authenticatedAt: signedInAt,
        lastUsedAt: app.clock.now(),
        remembered: workflow !== "sessions",
        isThis: true,
      },
      expect.objectContaining({ authenticatedAt: app.clock.now(), remembered: false, isThis: false }),
    ]);
    app.clock.pass(1, "minutes");
    expect((await devicesOf(phone)).map(({ isThis }) => isThis)).toEqual([true, false]);
  });

  test.each(workflows)(
    "are this user's in this application, and no other's (%s) (ASVS 7.5.2)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const forum = await at.start({ beside: app, workflow, application: "forum" });
      const person = await app.provider.person();
      const browser = await app.signedIn({ person });
      await app.signedIn();
      await forum.signedIn({ person });
      expect(await devicesOf(browser)).toHaveLength(1);
    },
  );

  test("leave the list when their sign-in is over: signed out, idle, or past its limit", async () => {
    const app = await at.start();
    const { browsers } = await signedInOften(app, 3);
    const [first, second, third] = browsers;
    if (!first || !second || !third) throw new Error("three browsers");
    expect(await devicesOf(first)).toHaveLength(3);
    await post(third, "/logout");
    expect(await devicesOf(first)).toHaveLength(2);
    for (let quarter = 0; quarter < 4; quarter++) {
      app.clock.pass(15, "minutes");
      await cart(first);
    }
    expect(await devicesOf(first)).toHaveLength(1);
    expect((await cart(second)).status).toBe(302);
  });

  test("leave the list when their session has idled out (W1)", async () => {
    const app = await at.start({ workflow: "sessions" });
    const { browsers } = await signedInOften(app, 2);
    const [first, second] = browsers;
    if (!first || !second) throw new Error("two browsers");
    const gone = await ownSignInId(second);
    await cart(first);
    app.clock.pass(29, "minutes");
    expect(await devicesOf(first)).toHaveLength(2);
    app.clock.pass(1, "minutes");
    expect(await devicesOf(first)).toHaveLength(1);
    expect((await post(first, "/account/end", { signInId: gone })).body).toBe("ended: false");
  });

  test("are not kept signed in by being looked at", async () => {
    const app = await at.start();
    const { browsers } = await signedInOften(app, 2);
    const [first, second] = browsers;
    if (!first || !second) throw new Error("two browsers");
    const [, before] = await devicesOf(first);
    app.clock.pass(10, "minutes");
    const [, after] = await devicesOf(first);
    expect(after).toEqual(before);
    app.clock.pass(19, "minutes");
    await devicesOf(first);
    app.clock.pass(2, "minutes");
    const calls = app.provider.calls.length;
    await cart(second);
    expect(app.provider.calls.slice(calls)).toEqual(["POST /oauth2/token"]);
  });

  test("are shown by ids that open nothing", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const id = await ownSignInId(browser);
    for (const planted of [
      id,
      Buffer.from(id).toString("base64url"),
      id.replaceAll("-", "").padEnd(43, "A"),
    ]) {
      const finder = app.browser().holding(planted, planted);
      expect((await cart(finder)).status).toBe(302);
    }
  });

  test.each(workflows)(
    "are ended one by one, for every artefact, and the others stay (%s, ASVS 7.5.2, 10.4.9)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const { browsers, tokens } = await signedInOften(app, 3);
      const [first, second, third] = browsers;
      if (!first || !second || !third) throw new Error("three browsers");
      const signInId = await ownSignInId(second);
      const kept = second.copy();
      expect((await post(first, "/account/end", { signInId })).body).toBe("ended: true");
      expect(endings(app)).toEqual(["ended-from-another-device"]);
      expect(await cart(second)).toMatchObject({ status: 302, setCookies: [] });
      app.clock.pass(11, "minutes");
      expect(await cart(kept)).toMatchObject({ status: 302, setCookies: [] });
      expect((await app.provider.refresh("hardened", tokens[1] ?? "")).status).toBe(400);
      expect((await cart(first)).status).toBe(200);
      expect((await cart(third)).status).toBe(200);
      expect((await post(first, "/account/end", { signInId })).body).toBe("ended: false");
    },
  );

  test("of another user can't be ended: nothing happens, and an event says who tried (CWE-639, ASVS 8.2.2)", async () => {
    const app = await at.start();
    const victim = await app.signedIn({ person: await app.provider.person() });
    const attacker = await app.signedIn({ person: await app.provider.person() });
    const signInId = await ownSignInId(victim);
    const tried = await post(attacker, "/account/end", { signInId });
    expect(tried).toMatchObject({ status: 200, body: "ended: false", setCookies: [] });
    expect((await cart(victim)).status).toBe(200);
    expect(await devicesOf(victim)).toHaveLength(1);
    expect(endings(app)).toEqual([]);
    const own = await ownSignInId(attacker);
    expect(app.events.filter(({ type }) => type === "device-not-owned")).toMatchObject([{ signInId: own }]);
  });

  test("in another application are not ended from this one", async () => {
    const app = await at.start();
    const forum = await at.start({ beside: app, application: "forum" });
    const person = await app.provider.person();
    const [here, there] = [await app.signedIn({ person }), await forum.signedIn({ person })];
    const signInId = await ownSignInId(there);
    expect((await post(here, "/account/end", { signInId })).body).toBe("ended: false");
    expect((await post(here, "/account/end-others")).body).toBe("ended: 0");
    expect((await cart(there)).status).toBe(200);
  });

  test("are ended once by 50 requests at once", async () => {
    const app = await at.start();
    const { browsers } = await signedInOften(app, 2);
    const [first, second] = browsers;
    if (!first || !second) throw new Error("two browsers");
    const signInId = await ownSignInId(second);
    await cart(first);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => first.copy().post("/account/end", { signInId })),
    );
    expect(answers.filter(({ body }) => body === "ended: true")).toHaveLength(1);
    expect(endings(app)).toEqual(["ended-from-another-device"]);
  });

  test("that end this one sign it out", async () => {
    const app = await at.start();
    const { browsers } = await signedInOften(app, 2);
    const [first, second] = browsers;
    if (!first || !second) throw new Error("two browsers");
    const kept = first.copy();
    const signInId = await ownSignInId(first);
    expect((await post(first, "/account/end", { signInId })).body).toBe("ended: true");
    expect([...first.jar.keys()]).toEqual(["device"]);
    expect((await cart(kept)).status).toBe(302);
    expect((await cart(second)).status).toBe(200);
    expect(endings(app)).toEqual(["signed-out"]);
  });

  test("that are ended while a request of theirs is in flight get no cookies by it, and nothing is revived", async () => {
    const app = await at.start();
    const { browsers } = await signedInOften(app, 2);
    const [first, second] = browsers;
    if (!first || !second) throw new Error("two browsers");
    const signInId = await ownSignInId(second);
    const kept = second.copy();
    app.clock.pass(31, "minutes");
    await cart(first);
    app.gate = gate();
    const slow = second.get("/slow");
    await app.gate.reached;
    expect((await post(first, "/account/end", { signInId })).body).toBe("ended: true");
    app.gate.open();
    expect((await slow).setCookies).toEqual([]);
    expect((await cart(second)).status).toBe(302);
    expect((await cart(kept)).status).toBe(302);
  });

  test("that are ended while their renewal waits for the provider get no page and no cookies", async () => {
    for (const what of ["call", "answer"] as const) {
      const app = await at.start();
      const { browsers } = await signedInOften(app, 2);
      const [first, second] = browsers;
      if (!first || !second) throw new Error("two browsers");
      const signInId = await ownSignInId(second);
      app.clock.pass(31, "minutes");
      await cart(first);
      const held = app.provider.hold("POST /oauth2/token", what);
      const renewing = cart(second);
      await held.reached;
      expect((await post(first, "/account/end", { signInId })).body).toBe("ended: true");
      held.open();
      expect(await renewing).toMatchObject({ status: 302, setCookies: [] });
      expect((await cart(second)).status).toBe(302);
    }
  });

  test.each(workflows)("but this one are ended all at once, and this one goes on (%s)", async (workflow) => {
    const app = await at.start({ workflow });
    const { browsers, tokens } = await signedInOften(app, 4);
    const [first, ...others] = browsers;
    if (!first) throw new Error("a browser");
    expect((await post(first, "/account/end-others")).body).toBe("ended: 3");
    for (const other of others) expect(await cart(other)).toMatchObject({ status: 302, setCookies: [] });
    expect((await cart(first)).status).toBe(200);
    expect(await devicesOf(first)).toHaveLength(1);
    app.clock.pass(11, "minutes");
    expect((await cart(first)).status).toBe(200);
    for (const token of tokens.slice(1)) {
      expect((await app.provider.refresh("hardened", token)).status).toBe(400);
    }
    expect((await post(first, "/account/end-others")).body).toBe("ended: 0");
  });

  test("but this one are ended here at once while the provider is down, which hears of it later", async () => {
    const app = await at.start();
    const { browsers, tokens } = await signedInOften(app, 3);
    const [first, ...others] = browsers;
    if (!first) throw new Error("a browser");
    await cart(first);
    app.provider.fault = refusedConnection;
    const before = app.provider.calls.length;
    expect((await first.post("/account/end-others")).body).toBe("ended: 2");
    expect(app.provider.calls.length).toBe(before + 1);
    for (const other of others) expect((await cart(other)).status).toBe(302);
    app.provider.fault = null;
    await app.sessions.maintain();
    for (const token of tokens.slice(1)) {
      expect((await app.provider.refresh("hardened", token)).status).toBe(400);
    }
    expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
    expect((await cart(first)).status).toBe(200);
  });
});

onEveryFramework("an account page", (at) => {
  test.each([
    ["nothing", "{}"],
    ["a number", '{"signInId": 7}'],
    ["null", '{"signInId": null}'],
    ["an array", '{"signInId": ["a"]}'],
    ["an object", '{"signInId": {"$ne": null}}'],
    ["an empty string", '{"signInId": ""}'],
    ["half a megabyte", JSON.stringify({ signInId: "a".repeat(50_000) })],
    ["a path", '{"signInId": "../../user"}'],
    ["an unknown id", JSON.stringify({ signInId: randomUUID() })],
  ])("that is sent %s for a device ends nothing", async (_, body) => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const headers = { "content-type": "application/json", "x-form-token": browser.token ?? "" };
    const calls = app.provider.calls.length;
    const answer = await browser.request("POST", "/account/end", body, { headers });
    expect(answer).toMatchObject({ status: 200, body: "ended: false", setCookies: [] });
    expect(endings(app)).toEqual([]);
    expect(app.provider.calls.length).toBe(calls);
  });

  test.each(["/account/end", "/account/end-others", "/account/sign-out-everywhere", "/account/password"])(
    "needs a form token and a signed-in user for %s (CWE-352)",
    async (path) => {
      const app = await at.start();
      const browser = await app.signedIn();
      await cart(browser);
      expect((await browser.post(path, {}, { token: null })).status).toBe(403);
      expect(await app.browser().post(path)).toMatchObject({ status: 302, setCookies: [] });
      expect((await cart(browser)).status).toBe(200);
      expect(endings(app)).toEqual([]);
    },
  );

  test("of a user with 150 sign-ins shows the hundred last used, and ends all of them", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = await app.signedIn({ person });
    const own = await app.store.newestSignIn(person.id);
    for (let each = 0; each < 150; each++) {
      const id = randomUUID();
      const current = secret(randomBytes(32).toString("base64url"));
      await app.store.insertSignIn({ ...own, id, version: 0, current, renewedAt: own.renewedAt - each });
    }
    const shown = await devicesOf(browser);
    expect(shown).toHaveLength(100);
    expect(shown.map(({ lastUsedAt }) => lastUsedAt)).toEqual(
      shown.map(({ lastUsedAt }) => lastUsedAt).toSorted((a, b) => b - a),
    );
    expect((await post(browser, "/account/end-others")).body).toBe("ended: 150");
    expect(await devicesOf(browser)).toHaveLength(1);
  });

  test("with the store down is 503 and costs nobody a cookie", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    app.store.down = true;
    expect(await browser.get("/account")).toMatchObject({ status: 503, setCookies: [] });
    expect(await browser.post("/account/sign-out-everywhere")).toMatchObject({ status: 503, setCookies: [] });
    app.store.down = false;
    expect((await cart(browser)).status).toBe(200);
  });

  test("as described shows this browser alone, ends no other, and signs out everywhere what it can reach", async () => {
    const app = await at.start({ policy: "as-described" });
    const person = await app.provider.person();
    const [here, there] = [await app.signedIn({ person }), await app.signedIn({ person })];
    const refreshTokens = [here, there].map((browser) => browser.cookie("refresh-token"));
    expect(await devicesOf(here)).toMatchObject([{ isThis: true }]);
    const signInId = await ownSignInId(there);
    expect((await post(here, "/account/end", { signInId })).body).toBe("ended: false");
    expect((await post(here, "/account/end-others")).body).toBe("ended: 0");
    const kept = here.copy();
    await post(here, "/account/sign-out-everywhere");
    expect((await cart(kept)).status).toBe(302);
    // Its own session goes on until it idles out, and then nothing brings it back.
    expect((await cart(there)).status).toBe(200);
    for (const token of refreshTokens)
      expect((await app.provider.refresh("as-described", token)).status).toBe(400);
    app.clock.pass(31, "minutes");
    expect((await cart(there)).status).toBe(302);
  });
});
