// Signing out everywhere: all of a user's sign-ins here at once, and at the provider in every application, now or as soon as
// it can be reached (ASVS 7.4.3, D8).
import { expect, test } from "vitest";
import { post, signedInOften } from "./account.ts";
import { endings, everywhere, type Place, type TestApplication, types, workflows } from "./application.ts";
import { cart } from "./browser.ts";
import { gate } from "./clock.ts";
import { refusedConnection } from "./provider.ts";

/** One person, signed in to the application and, in another browser, to the forum that has the same provider. */
async function signedInTwice(app: TestApplication, at: Place) {
  const forum = await at.start({
    registration: "as-described",
    policy: "as-described",
    application: "forum",
  });
  const person = await app.provider.person();
  return { forum, person, here: await app.signedIn({ person }), there: await forum.signedIn({ person }) };
}

everywhere("signing out everywhere", (at) => {
  test.each(workflows)(
    "ends this user's sign-ins here and their refresh tokens in every application (%s, ASVS 7.4.3)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const { browsers, tokens } = await signedInOften(app, 3);
      const stranger = await app.signedIn();
      const [first, ...others] = browsers;
      if (!first) throw new Error("a browser");
      await cart(first);
      const kept = first.copy();
      const answer = await first.post("/account/sign-out-everywhere");
      expect(answer).toMatchObject({ status: 302, headers: { location: "/" } });
      expect([...first.jar.keys()]).toEqual(["device"]);
      for (const browser of [...others, kept]) {
        expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
      }
      for (const token of tokens) {
        expect((await app.provider.refresh("hardened", token)).status).toBe(400);
      }
      expect((await cart(stranger)).status).toBe(200);
      expect(new Set(endings(app))).toEqual(new Set(["signed-out-everywhere"]));
      expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
    },
  );

  test("costs the provider one call, however many the sign-ins are", async () => {
    const app = await at.start();
    const { browsers } = await signedInOften(app, 5);
    const [first] = browsers;
    if (!first) throw new Error("a browser");
    await cart(first);
    const before = app.provider.calls.length;
    await first.post("/account/sign-out-everywhere");
    expect(app.provider.calls.slice(before)).toEqual(["DELETE /api/jwt/refresh"]);
  });

  test("reaches another application's sign-in by the provider", async () => {
    const app = await at.start();
    const { here, there } = await signedInTwice(app, at);
    const raw = there.cookie("refresh-token");
    expect((await app.provider.refresh("as-described", raw)).status).toBe(200);
    await post(here, "/account/sign-out-everywhere");
    expect((await app.provider.refresh("as-described", raw)).status).toBe(400);
  });

  test("with the provider down ends all here at once, and the provider hears of it later", async () => {
    const app = await at.start();
    const { browsers, tokens } = await signedInOften(app, 3);
    const [first] = browsers;
    if (!first) throw new Error("a browser");
    await cart(first);
    app.provider.fault = refusedConnection;
    expect((await first.post("/account/sign-out-everywhere")).status).toBe(302);
    for (const browser of browsers) expect((await cart(browser)).status).toBe(302);
    expect(types(app)).toContain("revocation-owed");
    app.clock.pass(5, "minutes");
    app.provider.fault = null;
    await app.sessions.maintain();
    for (const token of tokens) expect((await app.provider.refresh("hardened", token)).status).toBe(400);
    expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
  });

  test("that is told late reaches other applications, and ends nothing that began since", async () => {
    const app = await at.start();
    const { forum, person, here, there } = await signedInTwice(app, at);
    const before = there.cookie("refresh-token");
    app.clock.pass(1, "minutes");
    await cart(here);
    app.provider.fault = refusedConnection;
    await here.post("/account/sign-out-everywhere");
    app.provider.fault = null;
    app.clock.pass(1, "minutes");
    const [again, elsewhere] = [await app.signedIn({ person }), await forum.signedIn({ person })];
    await app.sessions.maintain();
    expect((await app.provider.refresh("as-described", before)).status).toBe(400);
    expect((await app.provider.refresh("as-described", elsewhere.cookie("refresh-token"))).status).toBe(200);
    app.clock.pass(11, "minutes");
    expect((await cart(again)).status).toBe(200);
    expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
  });

  test("is owed whole, also if a thief's sign-out of the same sign-in comes a moment before it", async () => {
    const app = await at.start();
    const { here, there } = await signedInTwice(app, at);
    await cart(here);
    const cookie = `session=${here.cookie("session")}; refresh-token=${here.cookie("refresh-token")}`;
    const header = (name: string) => (name === "cookie" ? cookie : undefined);
    const request = { method: "GET", target: "/shopping-cart", header, address: "", body: () => null };
    // Both are in their handlers before either has ended anything.
    const [thief, owner] = [await app.sessions.receive(request), await app.sessions.receive(request)];
    if (thief.kind !== "visitor" || owner.kind !== "visitor") throw new Error("both are signed in");
    app.provider.fault = refusedConnection;
    await thief.visitor.signOut();
    await owner.visitor.signOutEverywhere();
    expect(endings(app)).toHaveLength(1);
    app.provider.fault = null;
    await app.sessions.maintain();
    expect((await app.provider.refresh("as-described", there.cookie("refresh-token"))).status).toBe(400);
    expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
  });

  test("is owed to the provider even where it gave this application no refresh token (W1)", async () => {
    const app = await at.start({ workflow: "sessions", registration: "no-refresh-tokens" });
    const { here, there } = await signedInTwice(app, at);
    await cart(here);
    app.provider.fault = refusedConnection;
    expect((await here.post("/account/sign-out-everywhere")).status).toBe(302);
    app.provider.fault = null;
    await app.sessions.maintain();
    expect((await app.provider.refresh("as-described", there.cookie("refresh-token"))).status).toBe(400);
    expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
  });

  test("while requests are in flight: none sets cookies, none revives anything", async () => {
    const app = await at.start();
    const { browsers } = await signedInOften(app, 2);
    const [first, second] = browsers;
    if (!first || !second) throw new Error("two browsers");
    app.clock.pass(31, "minutes");
    await cart(first);
    app.gate = gate();
    const slow = second.get("/slow");
    await app.gate.reached;
    const overlapping = first.copy();
    await first.post("/account/sign-out-everywhere");
    app.gate.open();
    expect((await slow).setCookies).toEqual([]);
    for (const browser of [second, overlapping]) expect((await cart(browser)).status).toBe(302);
    for (const hash of app.store.made) expect(await app.store.readSession(hash, app.clock.now())).toBeNull();
  });

  test("twenty times at once is one signing out of each device", async () => {
    const app = await at.start();
    const { browsers } = await signedInOften(app, 3);
    const [first] = browsers;
    if (!first) throw new Error("a browser");
    await cart(first);
    const copies = Array.from({ length: 20 }, () => first.copy().post("/account/sign-out-everywhere"));
    expect((await Promise.all(copies)).every(({ status }) => status === 302)).toBe(true);
    expect(endings(app)).toHaveLength(3);
  });
});
