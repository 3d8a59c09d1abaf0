// Changing the password: whoever held the old one is out at once, everywhere and for good; the user goes on here (ASVS 6.2.3,
// 7.4.3).
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { devicesOf, ownSignInId, post, signedInOften } from "./account.ts";
import { endings, everywhere, onEveryFramework, workflows } from "./application.ts";
import { type Browser, cart } from "./browser.ts";
import { gate } from "./clock.ts";
import type { Fault, Person } from "./provider.ts";

const newPassword = () => secret(`another pass phrase ${randomUUID()}`);
const json = { "content-type": "application/json" };

function change(browser: Browser, { password }: Person, newPassword: string) {
  return post(browser, "/account/password", { currentPassword: password, newPassword });
}

/** Answers calls of that path so; the others go through. */
function fault(path: string, response: () => Promise<Response>): Fault {
  return (request) => (new URL(request.url).pathname.startsWith(path) ? response() : null);
}

everywhere("changing the password", (at) => {
  test.each(workflows)(
    "ends every other sign-in at once and for every artefact; this browser goes on with a new one (%s, ASVS 7.4.3)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const { person, browsers, tokens } = await signedInOften(app, 3);
      const [here, ...others] = browsers;
      if (!here) throw new Error("a browser");
      const password = newPassword();
      const [before, oldId] = [here.copy(), await ownSignInId(here)];
      const changed = await change(here, person, password);
      expect(changed).toMatchObject({ status: 302, headers: { location: "/shopping-cart" } });

      expect((await cart(here)).body).toContain(`cart of ${person.email}`);
      expect(await ownSignInId(here)).not.toBe(oldId);
      expect(here.cookie("session")).not.toBe(before.cookie("session"));
      expect(await devicesOf(here)).toHaveLength(1);
      for (const browser of [...others, before]) {
        expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
      }
      for (const token of tokens) {
        expect((await app.provider.refresh("hardened", token)).status).toBe(400);
      }
      app.clock.pass(11, "minutes");
      expect((await cart(here)).status).toBe(200);
      for (const browser of [...others, before]) expect((await cart(browser)).status).toBe(302);
      expect(endings(app)).toHaveLength(3);
      expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
    },
  );

  test("leaves the old password useless and the new one good", async () => {
    const app = await at.start();
    const { person, browsers } = await signedInOften(app, 1);
    const [here] = browsers;
    if (!here) throw new Error("a browser");
    const password = newPassword();
    await change(here, person, password);
    expect((await app.browser().signIn(person.email, person.password)).status).toBe(401);
    expect((await app.browser().signIn(person.email, password)).status).toBe(302);
  });

  test("makes the forms useless that this browser was shown before", async () => {
    const app = await at.start();
    const { person, browsers } = await signedInOften(app, 1);
    const [here] = browsers;
    if (!here) throw new Error("a browser");
    await cart(here);
    const old = here.token;
    await change(here, person, newPassword());
    expect((await here.post("/items", { item: "lamp" }, { token: old })).status).toBe(403);
    await cart(here);
    expect((await here.post("/items", { item: "lamp" })).status).toBe(200);
  });

  test.each([true, false])(
    "leaves it as it was whether to stay signed in (remembered: %j)",
    async (remember) => {
      const app = await at.start();
      const person = await app.provider.person();
      const here = await app.signedIn({ person, remember });
      await change(here, person, newPassword());
      expect(await devicesOf(here)).toMatchObject([{ remembered: remember }]);
      here.restart();
      expect((await cart(here)).status).toBe(remember ? 200 : 302);
    },
  );

  test.each(workflows)("with a wrong current password changes and ends nothing (%s)", async (workflow) => {
    const app = await at.start({ workflow });
    const { person, browsers } = await signedInOften(app, 2);
    const [here, other] = browsers;
    if (!here || !other) throw new Error("two browsers");
    const tried = await change(here, { ...person, password: "not the right pass phrase" }, newPassword());
    expect(tried).toMatchObject({ status: 401, setCookies: [] });
    expect(JSON.parse(tried.body)).toMatchObject({ reason: "wrong-password", problems: [] });
    for (const browser of [here, other]) expect((await cart(browser)).status).toBe(200);
    expect((await app.browser().signIn(person.email, person.password)).status).toBe(302);
    expect(endings(app)).toEqual([]);
  });

  test("to one that is not acceptable says what it lacks, and changes and ends nothing (ASVS 6.2.1, 6.2.4)", async () => {
    const app = await at.start();
    const { person, browsers } = await signedInOften(app, 2);
    const [here, other] = browsers;
    if (!here || !other) throw new Error("two browsers");
    for (const [bad, sentence] of [
      ["short", "The new password is too short."],
      ["a".repeat(300), "The new password is too long."],
      ["password123", "The new password is one that attackers know and try first."],
      [person.email, "The new password is little more than the e-mail address."],
    ] as const) {
      const tried = await change(here, person, bad);
      expect(tried).toMatchObject({ status: 400, setCookies: [] });
      expect(JSON.parse(tried.body)).toMatchObject({ reason: "unacceptable", problems: [sentence] });
    }
    for (const browser of [here, other]) expect((await cart(browser)).status).toBe(200);
    expect(endings(app)).toEqual([]);
  });

  test.each(["call", "answer"] as const)(
    "revives nothing that a renewal in flight brings (held: the provider's %s)",
    async (what) => {
      const app = await at.start();
      const { person, browsers } = await signedInOften(app, 2);
      const [here, other] = browsers;
      if (!here || !other) throw new Error("two browsers");
      app.clock.pass(31, "minutes");
      await cart(here);
      const held = app.provider.hold("POST /oauth2/token", what);
      const renewing = cart(other);
      await held.reached;
      expect((await change(here, person, newPassword())).status).toBe(302);
      held.open();
      expect(await renewing).toMatchObject({ status: 302, setCookies: [] });
      expect((await cart(other)).status).toBe(302);
      expect((await cart(here)).status).toBe(200);
    },
  );

  test("revives nothing by another request of the same sign-in, and its cookies do not replace the new ones", async () => {
    const app = await at.start();
    const { person, browsers } = await signedInOften(app, 1);
    const [here] = browsers;
    if (!here) throw new Error("a browser");
    app.clock.pass(31, "minutes");
    app.gate = gate();
    const slow = here.get("/slow");
    await app.gate.reached;
    expect((await change(here, person, newPassword())).status).toBe(302);
    const session = here.cookie("session");
    app.gate.open();
    expect((await slow).setCookies).toEqual([]);
    expect(here.cookie("session")).toBe(session);
    expect((await cart(here)).status).toBe(200);
    expect(await devicesOf(here)).toHaveLength(1);
  });

  test.each(workflows)(
    "puts out within ten minutes who signed in with the old password while it changed (%s)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const { person, browsers } = await signedInOften(app, 1);
      const [here] = browsers;
      if (!here) throw new Error("a browser");
      const thief = app.browser();
      const held = app.provider.hold("POST /api/login", "answer");
      const signingIn = thief.signIn(person.email, person.password);
      await held.reached;
      app.clock.pass(1, "seconds");
      expect((await change(here, person, newPassword())).status).toBe(302);
      held.open();
      await signingIn;
      app.clock.pass(10, "minutes");
      expect((await cart(thief)).status).toBe(302);
      expect((await cart(here)).status).toBe(200);
    },
  );

  test("where the clocks differ by some seconds does not put out the user who changed it (W1)", async () => {
    const app = await at.start({ workflow: "sessions" });
    const behind = await at.start({ workflow: "sessions", now: () => app.clock.now() - 5_000 });
    const person = await app.provider.person();
    const here = await behind.signedIn({ person });
    expect((await change(here, person, newPassword())).status).toBe(302);
    app.clock.pass(11, "minutes");
    expect((await cart(here)).status).toBe(200);
    app.clock.pass(11, "minutes");
    expect((await cart(here)).status).toBe(200);
  });

  test("by ten requests at once is one change, and nobody is left signed in by the others", async () => {
    const app = await at.start();
    const { person, browsers } = await signedInOften(app, 1);
    const [here] = browsers;
    if (!here) throw new Error("a browser");
    await cart(here);
    const copies = Array.from({ length: 10 }, () => here.copy());
    const fields = () => ({ currentPassword: person.password, newPassword: newPassword() });
    const answers = await Promise.all(copies.map((copy) => copy.post("/account/password", fields())));
    expect(app.events.filter(({ type }) => type === "password-changed")).toHaveLength(1);
    const changed = answers.filter(({ headers }) => headers["location"] === "/shopping-cart");
    // None, where the nine that came too late made the one wait that signs in with the new password.
    expect(changed.length).toBeLessThanOrEqual(1);
    const open = await Promise.all(copies.map(async (copy) => (await cart(copy)).status === 200));
    expect(open.filter(Boolean).length).toBe(changed.length);
  });
});

everywhere("changing the password with the provider unwell", (at) => {
  const refused = () => Promise.reject(new TypeError("fetch failed"));

  test.each<[string, Fault]>([
    ["is down", refused],
    ["hangs up on the change", fault("/api/user/change-password", refused)],
    ["answers 500", fault("/api/user/change-password", async () => new Response("", { status: 500 }))],
    [
      "refuses the API key",
      fault("/api/user/change-password", async () => new Response("", { status: 401 })),
    ],
    [
      "says 400 about something else",
      fault(
        "/api/user/change-password",
        async () => new Response('{"fieldErrors":{"other":[]}}', { status: 400, headers: json }),
      ),
    ],
  ])("that %s is 503: nothing changes, nobody is signed out", async (_, unwell) => {
    const app = await at.start();
    const { person, browsers } = await signedInOften(app, 2);
    const [here, other] = browsers;
    if (!here || !other) throw new Error("two browsers");
    await cart(here);
    app.provider.fault = unwell;
    const tried = await here.post("/account/password", {
      currentPassword: person.password,
      newPassword: newPassword(),
    });
    app.provider.fault = null;
    expect(tried).toMatchObject({ status: 503, setCookies: [] });
    for (const browser of [here, other]) expect((await cart(browser)).status).toBe(200);
    expect(endings(app)).toEqual([]);
  });

  test("after the change leaves everybody signed out, this browser at the login form", async () => {
    const app = await at.start();
    const { person, browsers, tokens } = await signedInOften(app, 2);
    const [here] = browsers;
    if (!here) throw new Error("a browser");
    const password = newPassword();
    app.provider.fault = fault("/api/login", refused);
    const changed = await change(here, person, password);
    app.provider.fault = null;
    expect(changed).toMatchObject({ status: 302, headers: { location: "/login" } });
    expect([...here.jar.keys()]).not.toContain("session");
    for (const browser of browsers) expect((await cart(browser)).status).toBe(302);
    for (const token of tokens) expect((await app.provider.refresh("hardened", token)).status).toBe(400);
    expect((await here.signIn(person.email, password)).status).toBe(302);
  });

  test("for the revocation ends all here at once, is told later, and the new sign-in stays", async () => {
    const app = await at.start();
    const forum = await at.start({
      registration: "as-described",
      policy: "as-described",
      application: "forum",
    });
    const { person, browsers, tokens } = await signedInOften(app, 2);
    const [here, other] = browsers;
    if (!here || !other) throw new Error("two browsers");
    await forum.signedIn({ person });
    app.clock.pass(1, "minutes");
    app.provider.fault = fault("/api/jwt/refresh", refused);
    expect((await change(here, person, newPassword())).status).toBe(302);
    expect((await cart(other)).status).toBe(302);
    expect(app.events.map(({ type }) => type)).toContain("revocation-owed");
    app.provider.fault = null;
    app.clock.pass(1, "minutes");
    await app.sessions.maintain();
    expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
    for (const token of tokens) expect((await app.provider.refresh("hardened", token)).status).toBe(400);
    app.clock.pass(11, "minutes");
    expect((await cart(here)).status).toBe(200);
  });
});

onEveryFramework("a password form", (at) => {
  test.each([
    ["nothing", "{}"],
    ["numbers", '{"currentPassword": 1, "newPassword": 2}'],
    ["arrays", '{"currentPassword": ["a"], "newPassword": ["b"]}'],
    ["objects", '{"currentPassword": {"length": 9}, "newPassword": {"length": 9}}'],
    ["nulls", '{"currentPassword": null, "newPassword": null}'],
    ["empty strings", '{"currentPassword": "", "newPassword": ""}'],
    ["over-long strings", JSON.stringify({ currentPassword: "a".repeat(1_025), newPassword: "b" })],
    ["no new password", '{"currentPassword": "a pass phrase"}'],
  ])("that holds %s is a clear 400, and the provider is not troubled", async (_, body) => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const calls = app.provider.calls.length;
    const headers = { ...json, "x-form-token": browser.token ?? "" };
    const answer = await browser.request("POST", "/account/password", body, { headers });
    expect(answer).toMatchObject({ status: 400, setCookies: [] });
    expect(JSON.parse(answer.body)).toMatchObject({ reason: "invalid-input" });
    expect(app.provider.calls.length).toBe(calls);
    expect((await cart(browser)).status).toBe(200);
  });

  test("changes the password of who is signed in, whatever login id it names", async () => {
    const app = await at.start();
    const [attacker, victim] = [await app.provider.person(), await app.provider.person()];
    const browser = await app.signedIn({ person: attacker });
    const fields = { currentPassword: victim.password, newPassword: newPassword(), loginId: victim.email };
    expect((await post(browser, "/account/password", { ...fields, userId: victim.id })).status).toBe(401);
    expect((await app.browser().signIn(victim.email, victim.password)).status).toBe(302);
  });

  test("works after the e-mail address has changed elsewhere", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = await app.signedIn({ person });
    const email = `new-${person.email}`;
    await app.provider.api("PATCH", `/api/user/${person.id}`, { user: { email } });
    expect((await change(browser, person, newPassword())).headers["location"]).toBe("/shopping-cart");
    expect((await cart(browser)).body).toContain(`cart of ${email}`);
  });

  test("works with a provider that knows no more of the call than FusionAuth does", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = await app.signedIn({ person });
    const bodies: string[] = [];
    const strict = '{"generalErrors":[{"code":"[invalidJSON]","message":"Unrecognized field"}]}';
    app.provider.fault = (request) => {
      if (!request.url.endsWith("/api/user/change-password")) return null;
      return request
        .clone()
        .text()
        .then((body) => bodies.push(body))
        .then(() =>
          bodies.length === 1 ? new Response(strict, { status: 400, headers: json }) : new Response(),
        );
    };
    const changed = await change(browser, person, newPassword());
    expect(bodies.map((body) => Object.keys(JSON.parse(body) as object))).toEqual([
      ["loginId", "currentPassword", "password", "ipAddress", "metaData"],
      ["loginId", "currentPassword", "password"],
    ]);
    // This provider only says that it changed: the new password signs nobody in.
    expect(changed.headers["location"]).toBe("/login");
  });

  test("as described changes the password, revokes at the provider, and goes on here", async () => {
    const app = await at.start({ policy: "as-described" });
    const person = await app.provider.person();
    const here = await app.signedIn({ person });
    const [raw, kept] = [here.cookie("refresh-token"), here.copy()];
    expect((await change(here, person, newPassword())).headers["location"]).toBe("/shopping-cart");
    expect((await cart(here)).status).toBe(200);
    expect((await app.provider.refresh("as-described", raw)).status).toBe(400);
    expect((await cart(kept)).status).toBe(302);
  });
});
