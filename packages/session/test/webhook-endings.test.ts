// What the provider tells by a webhook is over here at once, in both workflows; what began after it goes on (ASVS 7.4.2).
import { setTimeout as after } from "node:timers/promises";
import { expect, test } from "vitest";
import { onEveryStore, type Place, type TestApplication, type Variant, workflows } from "./application.ts";
import { type Browser, cart } from "./browser.ts";
import type { Person, Registration } from "./provider.ts";
import { signInRecord } from "./records.ts";
import { endingEvents, type Sender, webhookSender } from "./webhooks.ts";

const kinds = Object.keys(endingEvents("", ""));
const revoked = kinds.filter((kind) => kind.startsWith("jwt."));

interface Received {
  readonly sender: Sender;
  readonly app: TestApplication;
  readonly person: Person;
  readonly browser: Browser;
  /** The event of that kind about this person. */
  event(kind: string): Record<string, unknown>;
}

/** An application that receives webhooks, and somebody signed in to it. */
async function receiving(at: Place, variant: Variant = {}, registration?: Registration): Promise<Received> {
  const sender = await webhookSender();
  const app = await at.start({ ...sender.variant(at.provider(), registration), ...variant });
  const person = await app.provider.person();
  const browser = await app.signedIn({ person });
  await cart(browser);
  const { applicationId } = app.options.identityProvider;
  return {
    sender,
    app,
    person,
    browser,
    event: (kind) => endingEvents(person.id, applicationId)[kind] ?? {},
  };
}

function signInIdOf(app: TestApplication): string {
  const ids = app.events.flatMap((event) => (event.type === "signed-in" ? [event.signInId] : []));
  return ids.at(-1) ?? "";
}

/** How many sign-ins the events received so far have ended and questioned. */
function effects(app: TestApplication): { ended: number; questioned: number }[] {
  return app.events.flatMap((event) =>
    event.type === "webhook-received" ? [{ ended: event.ended, questioned: event.questioned }] : [],
  );
}

onEveryStore("an event of the provider's", (at) => {
  for (const workflow of workflows) {
    test.each(kinds)(
      `%s ends the sign-in for every cookie, and asks nobody, in ${workflow} (ASVS 7.4.2)`,
      async (kind) => {
        const { sender, app, browser, event } = await receiving(at, { workflow });
        app.clock.pass(61, "seconds");
        const before = app.provider.calls.filter((call) => !call.includes(".well-known")).length;
        expect((await sender.send(app, event(kind))).status).toBe(200);
        expect(effects(app)).toEqual([{ ended: 1, questioned: 0 }]);
        expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
        app.clock.pass(31, "minutes");
        expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
        expect(app.provider.calls.filter((call) => !call.includes(".well-known")).length).toBe(before);
      },
    );

    test(`that one refresh token was revoked ends its sign-in, however young, and no other (${workflow})`, async () => {
      const { sender, app, person, browser } = await receiving(at, { workflow });
      const signInId = signInIdOf(app);
      const phone = await app.signedIn({ person });
      await cart(phone);
      const type = "jwt.refresh-token.revoke";
      const { applicationId } = app.options.identityProvider;
      const event = { type, applicationId, userId: person.id, refreshToken: { id: signInId } };
      expect((await sender.send(app, { ...event, userId: "somebody else" })).status).toBe(200);
      expect((await cart(browser)).status).toBe(200);
      expect((await sender.send(app, { ...event, applicationId: "another" })).status).toBe(200);
      expect((await cart(browser)).status).toBe(200);
      expect((await sender.send(app, event)).status).toBe(200);
      expect((await cart(browser)).status).toBe(302);
      expect((await cart(phone)).status).toBe(200);
    });

    test(`that came late leaves alone who signed in after it, at the cost of no question (${workflow})`, async () => {
      const { sender, app, browser, event } = await receiving(at, { workflow });
      const createInstant = app.clock.now() - 3 * 3_600_000;
      const before = app.provider.calls.length;
      for (const kind of kinds) await sender.send(app, { ...event(kind), createInstant });
      expect(await cart(browser)).toMatchObject({ status: 200, setCookies: [] });
      expect(app.provider.calls.slice(before).filter((call) => !call.includes(".well-known"))).toEqual([]);
      expect(effects(app).every(({ ended }) => ended === 0)).toBe(true);
    });

    test(`of the future ends nothing that has begun before it can have happened (${workflow})`, async () => {
      const { sender, app, browser, event } = await receiving(at, { workflow });
      for (const kind of kinds)
        await sender.send(app, { ...event(kind), createInstant: app.clock.now() + 3_600_000 });
      expect(effects(app).every(({ ended }) => ended === 0)).toBe(true);
      app.clock.pass(1, "milliseconds");
      expect((await cart(browser)).status).toBe(200);
    });

    test(`about the minute before a sign-in makes it be asked about once, however often it is sent (${workflow})`, async () => {
      const { sender, app, browser, event } = await receiving(at, { workflow });
      const kind = "jwt.refresh-token.revoke of a user";
      const createInstant = app.clock.now() - 5_000;
      app.clock.pass(90, "seconds");
      const before = app.provider.calls.length;
      for (let sent = 0; sent < 3; sent++) {
        expect((await sender.send(app, { ...event(kind), createInstant })).status).toBe(200);
        expect((await cart(browser)).status).toBe(200);
        app.clock.pass(1, "seconds");
      }
      const asked = app.provider.calls.slice(before).filter((call) => !call.includes(".well-known"));
      const last = workflow === "sessions" ? "GET /api/jwt/refresh/{id}" : "POST /oauth2/token";
      expect(asked).toEqual(["GET /api/user/{id}", last]);
      expect(effects(app)).toEqual([1, 2, 3].map(() => ({ ended: 0, questioned: 1 })));
    });

    test.each([
      ["deactivated", "user.deactivate", "DELETE", ""],
      ["deleted", "user.delete", "DELETE", "?hardDelete=true"],
    ])(
      `about a user who signed in a moment before being %s is not too early (${workflow})`,
      async (_, kind, method, query) => {
        const { sender, app, person, browser, event } = await receiving(at, { workflow });
        await app.provider.api(method, `/api/user/${person.id}${query}`);
        expect((await sender.send(app, event(kind))).status).toBe(200);
        expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
      },
    );

    test.each(revoked)(`%s, a moment after signing in, is not too early (${workflow})`, async (kind) => {
      const { sender, app, person, browser, event } = await receiving(at, { workflow });
      await app.provider.api("DELETE", `/api/jwt/refresh?userId=${person.id}`);
      expect((await sender.send(app, event(kind))).status).toBe(200);
      expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
    });

    test(`that the password changed, where the provider keeps refresh tokens all the same, ends who used the old one (${workflow})`, async () => {
      const { sender, app, browser, event } = await receiving(at, { workflow });
      app.clock.pass(1, "milliseconds");
      const options = app.options.identityProvider;
      app.provider.fault = (request) => {
        if (!new URL(request.url).pathname.startsWith("/api/user/")) return null;
        app.provider.fault = null;
        return changedAt(options.fetch, request, app.clock.now());
      };
      expect((await sender.send(app, event("user.password.update"))).status).toBe(200);
      expect((await cart(browser)).status).toBe(302);
    });

    test(`that nobody can be asked about holds the sign-in up, and costs no cookie (${workflow})`, async () => {
      const { sender, app, browser, event } = await receiving(at, { workflow });
      await sender.send(app, event("user.deactivate"));
      app.provider.fault = () => Promise.reject(new TypeError("fetch failed"));
      expect(await cart(browser)).toMatchObject({ status: 503, setCookies: [] });
      expect((await browser.get("/")).body).toBe("a visitor");
      app.provider.fault = null;
      app.clock.pass(1, "milliseconds");
      expect((await cart(browser)).status).toBe(200);
    });

    test(`that comes while the provider is being asked is asked about again (${workflow})`, async () => {
      // Without a refresh token, so that nothing but the user can be asked about.
      const registration = workflow === "sessions" ? "no-refresh-tokens" : "hardened";
      const { sender, app, person, browser, event } = await receiving(at, { workflow }, registration);
      const call = workflow === "sessions" ? "GET /api/user" : "POST /oauth2/token";
      // Young enough to be questioned only, and due.
      await sender.send(app, { ...event("user.password.update"), createInstant: app.clock.now() });
      app.clock.pass(1, "milliseconds");
      const held = app.provider.hold(call, "answer");
      const asking = cart(browser);
      await held.reached;
      await app.provider.api("DELETE", `/api/user/${person.id}`);
      app.clock.pass(1, "milliseconds");
      await sender.send(app, event("user.deactivate"));
      app.clock.pass(1, "milliseconds");
      held.open();
      await asking;
      expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
    });

    test(`of another application, or about another user, touches nothing (${workflow})`, async () => {
      const { sender, app, browser, event } = await receiving(at, { workflow });
      app.clock.pass(2, "minutes");
      const applicationId = "10000000-0000-4000-8000-00000000dead";
      const stranger = { userId: "somebody", user: { id: "somebody" } };
      for (const kind of kinds)
        expect((await sender.send(app, { ...event(kind), applicationId })).status).toBe(200);
      for (const kind of kinds.filter((each) => !each.endsWith("the application")))
        expect((await sender.send(app, { ...event(kind), ...stranger })).status).toBe(200);
      const before = app.provider.calls.length;
      expect(await cart(browser)).toMatchObject({ status: 200, setCookies: [] });
      expect(app.provider.calls.length).toBe(before);
    });
  }

  test("of the shop ends nothing at the forum that shares its store", async () => {
    const { sender, app: shop, person, event } = await receiving(at);
    const forum = await at.start({ beside: shop, application: "forum" });
    const browser = await forum.signedIn({ person });
    await cart(browser);
    shop.clock.pass(2, "minutes");
    await sender.send(shop, event("jwt.refresh-token.revoke of the application"));
    await sender.send(shop, event("jwt.refresh-token.revoke of a user"));
    const type = "jwt.refresh-token.revoke";
    const refreshToken = { id: signInIdOf(forum) };
    expect((await sender.send(shop, { type, userId: person.id, refreshToken })).status).toBe(200);
    expect((await cart(browser)).status).toBe(200);
  });

  test("that a user was deactivated is paid back later, where the provider has revoked nothing itself", async () => {
    const { sender, app, event } = await receiving(at);
    const raw = app.provider.refreshTokens.at(-1) ?? "";
    app.clock.pass(2, "minutes");
    const before = app.provider.calls.length;
    await sender.send(app, event("user.password.update"));
    expect(app.provider.calls.slice(before)).not.toContain("DELETE /api/jwt/refresh/{id}");
    await app.sessions.maintain();
    expect(app.provider.calls.slice(before)).toContain("DELETE /api/jwt/refresh/{id}");
    expect((await app.provider.refresh("hardened", raw)).status).toBe(400);
  });

  test("of a revocation settles what is owed to the provider for that user's sign-ins, and nobody else's", async () => {
    const { sender, app, event } = await receiving(at);
    const stranger = await app.provider.person();
    await app.signedIn({ person: stranger });
    app.clock.pass(2, "minutes");
    await sender.send(app, event("user.password.update"));
    await sender.send(app, { type: "user.password.update", user: { id: stranger.id } });
    expect(await app.store.signInsOwingRevocation(10)).toHaveLength(2);
    await sender.send(app, event("jwt.refresh-token.revoke of a user"));
    const owing = await app.store.signInsOwingRevocation(10);
    expect(owing.map(({ user }) => user.id)).toEqual([stranger.id]);
  });

  test.each([...revoked, "user.delete"])(
    "%s causes no call back: the provider has revoked it itself",
    async (kind) => {
      const { sender, app, event } = await receiving(at);
      app.clock.pass(2, "minutes");
      const before = app.provider.calls.length;
      await sender.send(app, event(kind));
      await app.sessions.maintain();
      expect(app.provider.calls.slice(before)).not.toContain("DELETE /api/jwt/refresh/{id}");
      expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
    },
  );

  test("reaches what was signed in to on another node", async () => {
    const { sender, app, browser, event } = await receiving(at);
    const second = await at.start({ beside: app });
    app.clock.pass(2, "minutes");
    expect((await sender.send(app, event("user.deactivate"), { port: second.port })).status).toBe(200);
    expect((await cart(browser)).status).toBe(302);
    expect((await browser.get("/", { port: second.port })).body).toBe("a visitor");
  });

  test("sent by 50 deliveries at once ends a sign-in once", async () => {
    const { sender, app, event } = await receiving(at);
    app.clock.pass(2, "minutes");
    const sent = Array.from({ length: 50 }, () => sender.send(app, event("user.deactivate")));
    for (const { status } of await Promise.all(sent)) expect(status).toBe(200);
    expect(app.events.filter(({ type }) => type === "sign-in-ended")).toHaveLength(1);
  });

  test("about a user of a thousand sign-ins ends them all, and holds up nobody meanwhile", async () => {
    const { sender, app, person, event } = await receiving(at);
    for (let number = 0; number < 1_000; number++) {
      const facts = { id: `own.${number}`, user: { id: person.id, roles: [] }, current: `hash-${number}` };
      await app.store.insertSignIn(signInRecord({ ...facts, authenticatedAt: app.clock.now() - 120_000 }));
    }
    app.clock.pass(2, "minutes");
    const order: string[] = [];
    const ending = sender.send(app, event("user.deactivate")).then(() => order.push("ended"));
    while (!app.store.calls.includes("liveSignIns")) await after(0);
    await app.browser().get("/");
    order.push("a page");
    await ending;
    expect(order).toEqual(["a page", "ended"]);
    expect(effects(app)).toEqual([{ ended: 1_001, questioned: 0 }]);
    const left = { application: "store", userId: person.id, after: null, limit: 10 };
    expect(await app.store.liveSignIns(left)).toEqual([]);
  });
});

/** What the provider would say of a user whose password changed at that instant, while it keeps the refresh tokens. */
async function changedAt(
  fetch: ((request: Request) => Promise<Response>) | undefined,
  request: Request,
  instant: number,
): Promise<Response> {
  if (fetch === undefined) throw new Error("the test provider is embedded");
  const { user } = (await (await fetch(request)).json()) as { user: object };
  return Response.json({ user: { ...user, passwordLastUpdateInstant: instant } });
}
