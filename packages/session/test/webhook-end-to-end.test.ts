// Two applications and the real provider between them: what ends in one place reaches the other by webhook, and a session of
// whom it did not reach is refused within revalidateAfter.
import { afterEach, expect, test } from "vitest";
import { onEveryStore, type Place, type TestApplication } from "./application.ts";
import { type Browser, cart } from "./browser.ts";
import type { Person, TestProvider } from "./provider.ts";
import { webhookPath } from "./webhooks.ts";

const webhooks: string[] = [];

interface Signed {
  readonly app: TestApplication;
  readonly browser: Browser;
  readonly signInId: string;
}

interface World {
  readonly provider: TestProvider;
  readonly person: Person;
  /** W2. */
  readonly shop: Signed;
  /** W1. */
  readonly forum: Signed;
}

/** Has the provider tell an application everything. */
async function subscribe(provider: TestProvider, { port }: TestApplication): Promise<void> {
  const types = ["jwt.refresh-token.revoke", "user.deactivate", "user.delete", "user.password.update"];
  const webhook = {
    url: `http://127.0.0.1:${port}${webhookPath}`,
    global: true,
    connectTimeout: 5_000,
    readTimeout: 5_000,
    eventsEnabled: Object.fromEntries(types.map((type) => [type, true])),
  };
  const made = (await provider.api("POST", "/api/webhook", { webhook })) as { webhook: { id: string } };
  webhooks.push(made.webhook.id);
}

async function signedIn(app: TestApplication, person: Person): Promise<Signed> {
  const browser = await app.signedIn({ person });
  await cart(browser);
  const ids = app.events.flatMap((event) => (event.type === "signed-in" ? [event.signInId] : []));
  return { app, browser, signInId: ids.at(-1) ?? "" };
}

/** One person in two applications; `told` says whether the provider's webhooks reach them. */
async function world(at: Place, told = true): Promise<World> {
  const provider = at.provider();
  const shop = await at.start({ webhookPath });
  const forum = await at.start({
    application: "forum",
    workflow: "sessions",
    registration: "reusable",
    webhookPath,
  });
  if (told) for (const app of [shop, forum]) await subscribe(provider, app);
  const person = await provider.person();
  return { provider, person, shop: await signedIn(shop, person), forum: await signedIn(forum, person) };
}

type Act = (world: World) => Promise<unknown>;

const everywhere: [string, Act][] = [
  ["is deactivated", ({ provider, person }) => provider.api("DELETE", `/api/user/${person.id}`)],
  ["is deleted", ({ provider, person }) => provider.api("DELETE", `/api/user/${person.id}?hardDelete=true`)],
  [
    "gets a new password from an administrator",
    ({ provider, person }) =>
      provider.api("PATCH", `/api/user/${person.id}`, { user: { password: `another phrase ${person.id}` } }),
  ],
  [
    "is signed out by the provider's API",
    ({ provider, person }) => provider.api("DELETE", `/api/jwt/refresh?userId=${person.id}`),
  ],
];

onEveryStore("a user of two applications", (at) => {
  afterEach(async () => {
    for (const id of webhooks.splice(0)) await at.provider().api("DELETE", `/api/webhook/${id}`);
  });

  test.each(everywhere)(
    "who %s is out of both as soon as they are told (ASVS 7.4.2, 7.4.3)",
    async (_, act) => {
      const here = await world(at);
      const { provider, shop, forum } = here;
      provider.clock.pass(61, "seconds");
      await act(here);
      await provider.deliverDue();
      const before = provider.calls.length;
      for (const { app, browser } of [shop, forum]) {
        expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
        // The provider has revoked all there is itself, and hears nothing of it from us.
        await app.sessions.maintain();
      }
      expect(provider.calls.slice(before)).toEqual([]);
    },
  );

  test.each(everywhere)(
    "who %s a moment after signing in is out of both at the next request (ASVS 7.4.2)",
    async (_, act) => {
      const here = await world(at);
      here.provider.clock.pass(1, "milliseconds");
      await act(here);
      await here.provider.deliverDue();
      for (const { browser } of [here.shop, here.forum])
        expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
    },
  );

  test.each(everywhere)(
    "who %s, and neither is told, is out of both at the first request after ten minutes (ASVS 7.4.2)",
    async (_, act) => {
      const here = await world(at, false);
      const { provider, shop, forum } = here;
      provider.clock.pass(1, "milliseconds");
      await act(here);
      provider.clock.pass(599_998, "milliseconds");
      for (const { browser } of [shop, forum]) expect((await cart(browser)).status).toBe(200);
      provider.clock.pass(1, "milliseconds");
      for (const { browser } of [shop, forum]) expect((await cart(browser)).status).toBe(302);
    },
  );

  test("who signs out everywhere in one is out of the other, and asks the provider nothing more", async () => {
    const { provider, shop, forum } = await world(at);
    provider.clock.pass(61, "seconds");
    expect((await shop.browser.post("/account/sign-out-everywhere")).status).toBe(302);
    await provider.deliverDue();
    const before = provider.calls.length;
    expect((await cart(forum.browser)).status).toBe(302);
    for (const { app } of [shop, forum]) await app.sessions.maintain();
    await provider.deliverDue();
    expect(provider.calls.slice(before)).toEqual([]);
  });

  test("who changes the password in one is out of the other, and goes on where it was changed", async () => {
    const { provider, person, shop, forum } = await world(at);
    provider.clock.pass(61, "seconds");
    const kept = shop.browser.copy();
    const changed = await shop.browser.post("/account/password", {
      currentPassword: person.password,
      newPassword: `another pass phrase ${person.id}`,
    });
    expect(changed.status).toBe(302);
    await provider.deliverDue();
    expect((await cart(forum.browser)).status).toBe(302);
    expect((await cart(kept)).status).toBe(302);
    provider.clock.pass(1, "milliseconds");
    expect((await cart(shop.browser)).status).toBe(200);
    provider.clock.pass(11, "minutes");
    expect((await cart(shop.browser)).status).toBe(200);
  });

  test("whose refresh token is revoked loses that sign-in and no other", async () => {
    const { provider, person, shop, forum } = await world(at);
    const phone = await signedIn(shop.app, person);
    await provider.api("DELETE", `/api/jwt/refresh/${shop.signInId}`);
    await provider.deliverDue();
    expect((await cart(shop.browser)).status).toBe(302);
    expect((await cart(phone.browser)).status).toBe(200);
    expect((await cart(forum.browser)).status).toBe(200);
  });

  test("who signs out of one device stays signed in to the other application", async () => {
    const { provider, shop, forum } = await world(at);
    provider.clock.pass(61, "seconds");
    await shop.browser.post("/logout");
    await provider.deliverDue();
    expect((await cart(forum.browser)).status).toBe(200);
  });

  test("is out of an application whose every token is revoked, and stays in the other (ASVS 7.4.5)", async () => {
    const { provider, shop, forum } = await world(at);
    provider.clock.pass(61, "seconds");
    const { applicationId } = shop.app.options.identityProvider;
    await provider.api("DELETE", `/api/jwt/refresh?applicationId=${applicationId}`);
    await provider.deliverDue();
    expect((await cart(shop.browser)).status).toBe(302);
    expect((await cart(forum.browser)).status).toBe(200);
  });

  test("is reached after an application was down: the provider tries again", async () => {
    const { provider, person, forum } = await world(at);
    provider.clock.pass(61, "seconds");
    forum.app.store.down = true;
    await provider.api("DELETE", `/api/user/${person.id}`);
    await provider.deliverDue();
    forum.app.store.down = false;
    expect((await cart(forum.browser)).status).toBe(200);
    provider.clock.pass(2, "seconds");
    await provider.deliverDue();
    expect((await cart(forum.browser)).status).toBe(302);
  });
});
