// What a thief can do with what was stolen, under the hardened policy and as described (attacks A1 and A2).
import { expect, test } from "vitest";
import { everywhere, type Place, types, withReusableTokens } from "./application.ts";
import { cart } from "./browser.ts";

const theft = (at: Place) => {
  test("of the whole pair is noticed when the owner comes back: both are out, the provider's family too", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    const thief = owner.copy();
    app.clock.pass(31, "minutes");
    expect((await cart(thief)).status).toBe(200);
    expect((await cart(thief)).status).toBe(200);
    app.clock.pass(31, "seconds");

    expect(await cart(owner)).toMatchObject({ status: 302, setCookies: [] });
    expect((await cart(thief)).status).toBe(302);
    app.clock.pass(31, "minutes");
    for (const browser of [owner, thief]) expect((await cart(browser)).status).toBe(302);
    expect(types(app)).toContain("reuse-detected");
    const raw = app.provider.refreshTokens.at(-1) ?? "";
    expect((await app.provider.refresh(at.registration, raw)).status).toBe(400);
  });

  test("is noticed from the thief's side as well, when the owner renewed first", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    const thief = owner.copy();
    app.clock.pass(31, "minutes");
    await cart(owner);
    await cart(owner);
    app.clock.pass(31, "seconds");
    expect((await cart(thief)).status).toBe(302);
    expect((await cart(owner)).status).toBe(302);
    expect(types(app)).toContain("reuse-detected");
  });

  test("that is noticed is published with who and where, and without any secret", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const owner = await app.signedIn({ person });
    const thief = owner.copy();
    app.clock.pass(31, "minutes");
    await cart(thief);
    await cart(thief);
    app.clock.pass(31, "seconds");
    await cart(owner);
    const event = app.events.find(({ type }) => type === "reuse-detected");
    expect(Object.keys(event ?? {}).toSorted()).toEqual([
      "address",
      "application",
      "at",
      "signInId",
      "type",
      "userId",
    ]);
    expect(event).toMatchObject({
      userId: person.id,
      at: app.clock.now(),
      address: expect.stringContaining("127.0.0.1"),
    });
    const told = JSON.stringify(app.events);
    for (const browser of [owner, thief]) {
      for (const name of ["session", "refresh-token"] as const)
        expect(told).not.toContain(browser.cookie(name));
    }
    for (const token of app.provider.refreshTokens) expect(told).not.toContain(token);
  });

  test("of an older pair, used long after, ends the sign-in too", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    const stale = owner.copy();
    for (let round = 0; round < 3; round++) {
      app.clock.pass(31, "minutes");
      await cart(owner);
    }
    expect((await cart(stale)).status).toBe(302);
    expect((await cart(owner)).status).toBe(302);
  });

  test.each(["thief", "owner"])(
    "of an older pair is noticed after the store lost everything, if the %s comes first",
    async (first) => {
      const app = await at.start();
      const owner = await app.signedIn();
      const thief = owner.copy();
      for (let round = 0; round < 2; round++) {
        app.clock.pass(31, "minutes");
        await cart(owner);
      }
      await app.store.empty();
      const [one, other] = first === "thief" ? [thief, owner] : [owner, thief];
      await cart(one);
      await cart(one);
      app.clock.pass(31, "seconds");
      expect((await cart(other)).status).toBe(302);
      expect((await cart(one)).status).toBe(302);
      expect((await cart(other)).status).toBe(302);
    },
  );

  test("of an older pair does not ride on a renewal of the owner's that is under way", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    const thief = owner.copy();
    for (let round = 0; round < 2; round++) {
      app.clock.pass(31, "minutes");
      await cart(owner);
    }
    app.clock.pass(31, "minutes");
    const held = app.provider.hold("POST /oauth2/token", "call");
    const renewing = cart(owner);
    await held.reached;
    expect(await cart(thief)).toMatchObject({ status: 302, setCookies: [] });
    held.open();
    expect(await renewing).toMatchObject({ status: 302, setCookies: [] });
  });

  test("of a pair parked between two answers ends when the user is disowned, and asks the provider (CWE-613)", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const owner = await app.signedIn({ person });
    const parked = owner.copy();
    app.clock.pass(31, "minutes");
    await cart(parked);
    app.clock.pass(31, "seconds");
    await cart(owner);
    await app.provider.api("DELETE", `/api/user/${person.id}`);
    app.clock.pass(10, "minutes");
    for (let visit = 0; visit < 3; visit++) {
      expect((await cart(parked)).status).toBe(302);
      app.clock.pass(5, "minutes");
    }
  });

  test("by somebody who asks blindly, all the time, from the owner's own address, is found out within two hours", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    const thief = owner.copy();
    let [last, second] = [0, 0];
    while (second - last < 60 && second < 4 * 3_600) {
      app.clock.pass(1, "seconds");
      second++;
      if (second % 7 === 0 && (await cart(owner)).status === 200) last = second;
      if (second % 13 === 0 && (await cart(thief)).status === 200) last = second;
    }
    expect(last).toBeLessThanOrEqual(2 * 3_600);
    expect(types(app)).toContain("reuse-detected");
  });

  test("of a cookie of the shop opens nothing at the forum that shares its store", async () => {
    const shop = await at.start();
    const browser = await shop.signedIn();
    const forum = await at.start({ beside: shop, application: "forum" });
    const thief = forum.browser();
    thief.plant("session", browser.cookie("session"));
    expect((await cart(thief)).status).toBe(302);
    expect((await cart(browser)).status).toBe(200);
  });

  test("A2: a stolen refresh cookie with an invalid session id never reaches the provider, and is reported", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    const before = app.provider.calls.length;
    for (const session of ["A".repeat(43), "invalid", null]) {
      const thief = app.browser();
      thief.plant("refresh-token", owner.cookie("refresh-token"));
      if (session !== null) thief.plant("session", session);
      const answer = await cart(thief);
      expect(answer).toMatchObject({ status: 302, setCookies: [] });
      expect(answer.body).not.toContain("cart of");
    }
    expect(app.provider.calls.length).toBe(before);
    expect(types(app).filter((type) => type === "mismatched-pair")).toHaveLength(3);
    expect((await cart(owner)).status).toBe(200);
  });

  test("a refresh cookie beside another user's expired session never reaches the provider", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const [owner, thief] = [await app.signedIn(), await app.signedIn({ person })];
    thief.plant("refresh-token", owner.cookie("refresh-token"));
    app.clock.pass(31, "minutes");
    const before = app.provider.calls.length;
    expect((await cart(thief)).status).toBe(302);
    expect(app.provider.calls.length).toBe(before);
    expect((await cart(owner)).status).toBe(200);
  });

  test("A1, bounded: a stolen session id alone works until the next renewal is due, and not a second longer", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    const thief = app.browser();
    thief.plant("session", owner.cookie("session"));
    expect((await cart(thief)).status).toBe(200);
    app.clock.pass(599, "seconds");
    expect((await cart(thief)).status).toBe(200);
    app.clock.pass(1, "seconds");
    expect((await cart(thief)).status).toBe(302);
    expect((await cart(owner)).status).toBe(200);
    expect((await cart(thief)).status).toBe(302);
  });

  test("a tampered refresh cookie is the same as none: no call, no cookie, and the true one still works (ASVS 7.2.1, 11.2.5)", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    const truth = owner.cookie("refresh-token");
    app.clock.pass(31, "minutes");
    const before = app.provider.calls.length;
    const changed = [
      truth.slice(0, -4),
      `${truth.slice(0, 20)}${truth[20] === "A" ? "B" : "A"}${truth.slice(21)}`,
      `2026b${truth.slice(5)}`,
      truth.replace(".", ""),
      "x",
      "A".repeat(3_000),
    ];
    for (const value of changed) {
      const thief = owner.copy();
      thief.plant("refresh-token", value);
      expect(await cart(thief)).toMatchObject({ status: 302, setCookies: [] });
    }
    expect(app.provider.calls.length).toBe(before);
    expect((await cart(owner)).status).toBe(200);
  });

  test("a refresh cookie of the shop means nothing to the forum, even under the same key", async () => {
    const shop = await at.start();
    const forum = await at.start({ application: "forum", cookieKeys: shop.options.cookieKeys });
    const owner = await shop.signedIn();
    const before = shop.provider.calls.length;
    const thief = forum.browser();
    for (const name of ["session", "refresh-token"] as const) thief.plant(name, owner.cookie(name));
    expect((await cart(thief)).status).toBe(302);
    expect(shop.provider.calls.length).toBe(before);
  });

  test.each(["session", "refresh-token", "form"])(
    "two %s cookies in one request are refused, and nobody's cookies change (cookie tossing)",
    async (name) => {
      const app = await at.start();
      const owner = await app.signedIn();
      const mine = Array.from(owner.jar, ([each, { value }]) => `${each}=${value}`).join("; ");
      for (const cookie of [`${name}=tossed; ${mine}; ${name}=again`, `${mine}; ${name}=; ${name}=tossed`]) {
        for (const path of ["/shopping-cart", "/", "/login"]) {
          expect(await owner.get(path, { headers: { cookie } })).toMatchObject({
            status: 400,
            setCookies: [],
          });
        }
      }
      expect(types(app)).toContain("duplicate-cookies");
      expect((await cart(owner)).status).toBe(200);
    },
  );
};
everywhere("theft", theft);
withReusableTokens("theft", theft);

everywhere("theft as described", (at) => {
  const policy = "as-described";

  test("A1 SUCCEEDS as described: a stolen session id shows the victim's cart, as long as it is used (W1)", async () => {
    const app = await at.start({ policy, workflow: "sessions" });
    const victim = await app.provider.person();
    const owner = await app.signedIn({ person: victim });
    const thief = app.browser();
    thief.plant("session", owner.cookie("session"));
    for (let used = 0; used < 10; used++) {
      expect((await cart(thief)).body).toContain(`cart of ${victim.email}`);
      app.clock.pass(29, "minutes");
    }
  });

  test("A2 SUCCEEDS as described: a stolen refresh token with an invalid session id gets a session of its own (W2)", async () => {
    const app = await at.start({ policy });
    const victim = await app.provider.person();
    const owner = await app.signedIn({ person: victim });
    const thief = app.browser();
    thief.plant("session", "invalid");
    thief.plant("refresh-token", owner.cookie("refresh-token"));
    const answer = await cart(thief);
    expect(answer.status).toBe(200);
    expect(answer.body).toContain(`cart of ${victim.email}`);
    expect(thief.cookie("session")).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(thief.cookie("session")).not.toBe(owner.cookie("session"));
    expect((await cart(owner)).status).toBe(200);
    app.clock.pass(2, "days");
    expect((await cart(thief)).status).toBe(200);
    expect((await cart(owner)).status).toBe(200);
  });

  test("W2 as described, steps 13′–18′: renewed in the same response; when the provider refuses, sign in again", async () => {
    const app = await at.start({ policy });
    const browser = await app.signedIn();
    expect(browser.cookie("refresh-token")).toBe(app.provider.refreshTokens.at(-1));
    const session = browser.cookie("session");
    app.clock.pass(31, "minutes");
    expect((await cart(browser)).status).toBe(200);
    expect(browser.cookie("session")).not.toBe(session);
    browser.plant("refresh-token", "not one of the provider's");
    app.clock.pass(31, "minutes");
    expect(await cart(browser)).toMatchObject({ status: 302, headers: { location: "/login" } });
  });
});
