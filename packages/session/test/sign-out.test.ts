// Signing out is final (D8): for every artefact somebody may have kept, and for every request on its way (WSTG-SESS-06).
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { everywhere, onEveryFramework } from "./application.ts";
import { cart } from "./browser.ts";
import { gate } from "./clock.ts";
import { refusedConnection } from "./provider.ts";
import { ended } from "../src/judgement.ts";
import { sessionHash } from "../src/session-id.ts";

const revoke = "DELETE /api/jwt/refresh";

everywhere("signing out", (at) => {
  test("clears both cookies, and sends the user on", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    expect(await browser.post("/logout")).toMatchObject({ status: 302, headers: { location: "/" } });
    expect([...browser.jar.keys()]).toEqual(["device"]);
    expect(await browser.get("/")).toMatchObject({ body: "a visitor" });
    expect((await cart(browser)).status).toBe(302);
  });

  test.each(["sessions", "sessions+refresh-tokens"] as const)(
    "kills every copy of the cookies at once, live and expired, and the raw refresh token (%s) (ASVS 7.4.1)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const browser = await app.signedIn();
      const raw = app.provider.refreshTokens.at(-1) ?? "";
      await cart(browser);
      const kept = browser.copy();
      await browser.post("/logout");
      expect(await cart(kept)).toMatchObject({ status: 302, setCookies: [] });
      expect((await app.provider.refresh("hardened", raw)).status).toBe(400);
      const before = app.provider.calls.length;
      app.clock.pass(31, "minutes");
      expect(await cart(kept)).toMatchObject({ status: 302, setCookies: [] });
      expect(app.provider.calls.length).toBe(before);
    },
  );

  test("with an expired session ends the sign-in all the same", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const kept = browser.copy();
    app.clock.pass(31, "minutes");
    expect((await browser.post("/logout")).status).toBe(302);
    expect([...browser.jar.keys()]).toEqual(["device"]);
    expect((await cart(kept)).status).toBe(302);
  });

  test("ends this sign-in only: the user's other devices stay signed in", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const [desk, phone] = [await app.signedIn({ person }), await app.signedIn({ person })];
    await cart(desk);
    await desk.post("/logout");
    app.clock.pass(31, "minutes");
    expect((await cart(phone)).status).toBe(200);
  });

  test("stays final after the store lost everything: the provider remembers", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const kept = browser.copy();
    await browser.post("/logout");
    await app.store.empty();
    expect(await cart(kept)).toMatchObject({ status: 302, setCookies: [] });
    app.clock.pass(5, "minutes");
    expect((await cart(kept)).status).toBe(302);
  });

  test("by 50 requests at once is one sign-out", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const kept = browser.copy();
    const answers = await Promise.all(Array.from({ length: 50 }, () => kept.copy().post("/logout")));
    expect(answers.every(({ status }) => status === 302)).toBe(true);
    expect(app.events.filter(({ type }) => type === "sign-in-ended")).toHaveLength(1);
    expect((await cart(browser)).status).toBe(302);
  });

  test("on another node, while a renewal waits for the provider: no page, no cookie, nothing revived", async () => {
    for (const what of ["call", "answer"] as const) {
      const app = await at.start();
      const second = await at.start({ beside: app });
      const browser = await app.signedIn();
      await cart(browser);
      const elsewhere = browser.copy();
      app.clock.pass(31, "minutes");
      const held = app.provider.hold("POST /oauth2/token", what);
      const renewing = cart(browser);
      await held.reached;
      expect((await elsewhere.post("/logout", {}, { port: second.port })).status).toBe(302);
      held.open();
      expect(await renewing).toMatchObject({ status: 302, setCookies: [] });
      expect((await cart(browser)).status).toBe(302);
      for (const hash of [...app.store.made, ...second.store.made]) {
        expect(await app.store.useSession(hash, app.clock.now(), 1)).toBeNull();
      }
    }
  });

  test("on this node, while a renewal waits for the provider, ends what that renewal made", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const elsewhere = browser.copy();
    app.clock.pass(31, "minutes");
    const held = app.provider.hold("POST /oauth2/token", "call");
    const renewing = cart(browser);
    await held.reached;
    const signingOut = elsewhere.post("/logout");
    held.open();
    await Promise.all([renewing, signingOut]);
    expect((await cart(browser)).status).toBe(302);
    expect((await cart(elsewhere)).status).toBe(302);
  });

  test("while a slow page runs: its response sets no cookies, and revives nothing", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const tab = browser.copy();
    app.clock.pass(31, "minutes");
    app.gate = gate();
    const slow = browser.get("/slow");
    await app.gate.reached;
    expect((await tab.post("/logout")).status).toBe(302);
    app.gate.open();
    expect(await slow).toMatchObject({ status: 200, setCookies: [] });
    expect((await cart(browser)).status).toBe(302);
    expect((await cart(tab)).status).toBe(302);
  });

  test("and in again while a slow page runs: its response does not put the old sign-in over the new one", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    app.gate = gate();
    const slow = browser.get("/slow");
    await app.gate.reached;
    const { email, password } = await app.provider.person();
    expect((await browser.signIn(email, password)).status).toBe(302);
    app.gate.open();
    expect((await slow).setCookies).toEqual([]);
    expect((await cart(browser)).body).toContain(email);
  });

  test("with the provider down ends the sign-in here at once, owes the revocation, and pays it when it is back", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const raw = app.provider.refreshTokens.at(-1) ?? "";
    await cart(browser);
    const kept = browser.copy();
    app.provider.fault = refusedConnection;
    expect((await browser.post("/logout")).status).toBe(302);
    expect((await cart(kept)).status).toBe(302);
    app.clock.pass(31, "minutes");
    expect((await cart(kept)).status).toBe(302);
    expect(app.events.map(({ type }) => type)).toContain("revocation-owed");
    await app.sessions.maintain();
    expect(app.events.map(({ type }) => type)).not.toContain("revocation-paid");

    app.provider.fault = null;
    await app.sessions.maintain();
    expect(app.events.map(({ type }) => type)).toContain("revocation-paid");
    expect((await app.provider.refresh("hardened", raw)).status).toBe(400);
    const before = app.provider.calls.length;
    await app.sessions.maintain();
    expect(app.provider.calls.length).toBe(before);
  });

  test("what one node owes, another node pays", async () => {
    const app = await at.start();
    const second = await at.start({ beside: app });
    const browser = await app.signedIn();
    await cart(browser);
    app.provider.fault = refusedConnection;
    await browser.post("/logout");
    app.provider.fault = null;
    const before = app.provider.calls.length;
    await second.sessions.maintain();
    expect(app.provider.calls.slice(before)).toEqual([`${revoke}/{id}`]);
    await app.sessions.maintain();
    expect(app.provider.calls.length).toBe(before + 1);
  });
});

everywhere("a node that dies", (at) => {
  test("between the tombstone and the session's removal leaves no session that could still be delivered", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const [signedIn] = app.events.flatMap((event) => (event.type === "signed-in" ? [event.signInId] : []));
    const signIn = await app.store.readSignIn(signedIn ?? "");
    expect(signIn).not.toBeNull();
    if (signIn !== null) await app.store.updateSignIn(ended(signIn, "signed-out", true, app.clock.now()));
    expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
    expect(app.events.map(({ type }) => type)).not.toContain("session-extended");
  });

  test.each(["sessions", "sessions+refresh-tokens"] as const)(
    "that failed between the tombstone and the session ends the session when it is tried again (%s)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const browser = await app.signedIn();
      await cart(browser);
      const thief = browser.copy();
      const { deleteSession } = app.store;
      // It is deleted before the tombstone and after it; only the second is sure to find no newer one.
      app.store.deleteSession = async () => {
        throw new Error("connection lost");
      };
      expect((await browser.post("/logout")).status).toBeGreaterThanOrEqual(500);
      app.store.deleteSession = deleteSession;
      expect((await browser.post("/logout")).status).toBe(302);
      expect((await cart(thief)).status).toBe(302);
    },
  );

  test("that broke off half-way for good is over at the next revalidation (W1)", async () => {
    const app = await at.start({ workflow: "sessions" });
    const browser = await app.signedIn();
    await cart(browser);
    const signIn = await app.store.newestSignIn((await app.provider.anybody()).id);
    await app.store.updateSignIn(ended(signIn, "signed-out", false, app.clock.now()));
    app.clock.pass(10, "minutes");
    expect((await cart(browser)).status).toBe(302);
    expect((await cart(browser)).status).toBe(302);
  });

  test("between making a session and making it count leaves none that opens anything", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const id = randomBytes(32).toString("base64url");
    const live = await app.store.useSession(
      sessionHash("store", browser.cookie("session")),
      app.clock.now(),
      60_000,
    );
    expect(live).not.toBeNull();
    if (live !== null)
      await app.store.insertSession({ ...live, hash: sessionHash("store", id), presented: false });
    const finder = app.browser();
    finder.plant("session", id);
    expect((await cart(finder)).status).toBe(302);
    expect((await cart(browser)).status).toBe(200);
  });
});

onEveryFramework("signing out", (at) => {
  test("needs no provider where it gave no refresh token: nothing is owed for ever (W1)", async () => {
    const app = await at.start({ workflow: "sessions", registration: "no-refresh-tokens" });
    const browser = await app.signedIn();
    await cart(browser);
    expect((await browser.post("/logout")).status).toBe(302);
    expect(app.events.map(({ type }) => type)).not.toContain("revocation-owed");
    expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
  });

  test("never happens by GET (ASVS 3.5.3, 10.6.2)", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    expect((await browser.get("/logout")).status).toBe(404);
    expect((await cart(browser)).status).toBe(200);
  });

  test("where nobody is signed in asks to sign in, and clears nothing", async () => {
    const app = await at.start();
    const browser = app.browser();
    await browser.get("/login");
    expect((await browser.post("/logout")).status).toBe(302);
    expect(browser.cookie("form")).not.toBe("");
  });

  test("as described with an expired session ends what the request itself has just renewed", async () => {
    const app = await at.start({ policy: "as-described" });
    const browser = await app.signedIn();
    await cart(browser);
    const kept = browser.copy();
    app.clock.pass(31, "minutes");
    await browser.post("/logout");
    expect((await cart(kept)).status).toBe(302);
  });

  test("as described clears the cookies, ends the session, and revokes the refresh token", async () => {
    const app = await at.start({ policy: "as-described" });
    const browser = await app.signedIn();
    await cart(browser);
    const kept = browser.copy();
    expect((await browser.post("/logout")).status).toBe(302);
    expect((await cart(kept)).status).toBe(302);
  });
});
