// An administrator ends every sign-in of a user in this application (ASVS 7.4.5).
import { expect, test } from "vitest";
import { onEveryStore } from "./application.ts";
import { cart } from "./browser.ts";

onEveryStore("an administrator", (at) => {
  test.each(["sessions", "sessions+refresh-tokens"] as const)(
    "ends every sign-in of a user here and at the provider, and nobody else's, in %s (ASVS 7.4.5)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const person = await app.provider.person();
      const devices = [await app.signedIn({ person }), await app.signedIn({ person, remember: true })];
      const tokens = app.provider.refreshTokens.slice(-2);
      const stranger = await app.signedIn();
      for (const browser of [...devices, stranger]) await cart(browser);

      expect(await app.sessions.endSignInsOf(person.id)).toBe(2);
      for (const browser of devices)
        expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
      for (const token of tokens) expect((await app.provider.refresh("hardened", token)).status).toBe(400);
      expect((await cart(stranger)).status).toBe(200);
      const reasons = app.events.flatMap((event) => (event.type === "sign-in-ended" ? [event.reason] : []));
      expect(reasons).toEqual(["ended-by-administrator", "ended-by-administrator"]);
      expect(await app.sessions.endSignInsOf(person.id)).toBe(0);
    },
  );

  test("ends nothing of a user nobody knows, whatever the id", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    for (const id of ["", "nobody", "' OR 1=1 --", "%"]) expect(await app.sessions.endSignInsOf(id)).toBe(0);
    expect((await cart(browser)).status).toBe(200);
  });

  test("waits for a provider that is down once, not once a sign-in; what is owed is paid later", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const devices = [];
    for (let number = 0; number < 3; number++) devices.push(await app.signedIn({ person }));
    const before = app.provider.calls.length;
    app.provider.fault = () => Promise.reject(new TypeError("fetch failed"));
    expect(await app.sessions.endSignInsOf(person.id)).toBe(3);
    expect(app.provider.calls.length - before).toBe(1);
    for (const browser of devices) expect((await cart(browser)).status).toBe(302);
    app.provider.fault = null;
    await app.sessions.maintain();
    expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
    for (const token of app.provider.refreshTokens.slice(-3))
      expect((await app.provider.refresh("hardened", token)).status).toBe(400);
  });

  test("of the shop ends nothing at the forum that shares its store", async () => {
    const shop = await at.start();
    const forum = await at.start({ beside: shop, application: "forum" });
    const person = await shop.provider.person();
    const browser = await forum.signedIn({ person });
    expect(await shop.sessions.endSignInsOf(person.id)).toBe(0);
    expect((await cart(browser)).status).toBe(200);
    expect(await forum.sessions.endSignInsOf(person.id)).toBe(1);
    expect((await cart(browser)).status).toBe(302);
  });

  test("who can't be served, because the store is down, is told so, and nothing is half done in secret", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    app.store.down = true;
    await expect(app.sessions.endSignInsOf(person.id)).rejects.toMatchObject({
      code: "session-store-unavailable",
    });
  });
});
