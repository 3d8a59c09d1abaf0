// Ending is final (D8): every way a sign-in can end × every artefact somebody may have kept × every place where a request may
// be at that moment. None of them opens, extends or makes anything, or sets a cookie (ASVS 7.4.1–7.4.3, 7.4.5; CWE-613).
import { expect, test } from "vitest";
import { onEveryStore, onFramework, type Place, type TestApplication, workflows } from "./application.ts";
import { type Browser, cart } from "./browser.ts";
import { type Gate, gate } from "./clock.ts";
import type { Incoming } from "./http.ts";
import { type Person, refusedConnection } from "./provider.ts";
import { type Sender, webhookSender } from "./webhooks.ts";

type Workflow = "sessions" | "sessions+refresh-tokens";

/** A user who is signed in on two devices, and everything that knows of it. */
interface World {
  readonly app: TestApplication;
  /** Another node on the same store: it shares no flight with the first. */
  readonly second: TestApplication;
  readonly sender: Sender;
  readonly person: Person;
  /** The device whose sign-in ends. */
  readonly browser: Browser;
  readonly signInId: string;
  /** Its refresh token as the provider gave it out. */
  readonly raw: string;
  /** The user's other device. */
  readonly other: Browser;
}

async function world(at: Place, workflow: Workflow): Promise<World> {
  const sender = await webhookSender();
  const app = await at.start({ ...sender.variant(at.provider()), workflow });
  const second = await at.start({ beside: app });
  const person = await app.provider.person();
  const other = await app.signedIn({ person });
  await cart(other);
  const browser = await app.signedIn({ person });
  await cart(browser);
  const ids = app.events.flatMap((event) => (event.type === "signed-in" ? [event.signInId] : []));
  const [signInId = "", raw = ""] = [ids.at(-1), app.provider.refreshTokens.at(-1)];
  return { app, second, sender, person, browser, signInId, raw, other };
}

type End = (world: World, copy: Browser) => Promise<Incoming | number>;

async function told(world: World, event: Record<string, unknown>, path: string): Promise<Incoming> {
  await world.app.provider.api("DELETE", path);
  return world.sender.send(world.second, event);
}

/** Ways a sign-in ends, each as it happens; `copy` is a second window of the browser whose sign-in it is. */
const endings: Record<string, End> = {
  "signing out": ({ second }, copy) => copy.post("/logout", {}, { port: second.port }),
  "signing out everywhere": ({ other }) => other.post("/account/sign-out-everywhere"),
  "signing out other devices": ({ other }) => other.post("/account/end-others"),
  "ending this device from another": ({ other, signInId }) => other.post("/account/end", { signInId }),
  "a new password": ({ other, person }) =>
    other.post("/account/password", {
      currentPassword: person.password,
      newPassword: `another pass phrase ${person.id}`,
    }),
  "an administrator": ({ second, person }) => second.sessions.endSignInsOf(person.id),
  "the user's deactivation": (world) =>
    told(world, { type: "user.deactivate", user: world.person }, `/api/user/${world.person.id}`),
  "the user's deletion": (world) =>
    told(world, { type: "user.delete", user: world.person }, `/api/user/${world.person.id}?hardDelete=true`),
  "revocation of the refresh token": (world) => {
    const { person, signInId } = world;
    const event = { type: "jwt.refresh-token.revoke", userId: person.id, refreshToken: { id: signInId } };
    return told(world, event, `/api/jwt/refresh/${signInId}`);
  },
};
const all = Object.entries(endings);

/** Nothing of this sign-in opens anything, now or later, and trying it changes nothing. */
async function expectDead(
  { app, second, browser, raw, signInId }: World,
  copies: readonly Browser[],
): Promise<void> {
  const made = [...app.store.made, ...second.store.made];
  for (const hash of made)
    expect((await app.store.useSession(hash, app.clock.now(), 1))?.signInId).not.toBe(signInId);
  for (const each of [browser, ...copies]) {
    for (const { port } of [app, second]) {
      expect(await each.get("/shopping-cart", { port })).toMatchObject({ status: 302, setCookies: [] });
    }
  }
  app.clock.pass(31, "minutes");
  for (const each of [browser, ...copies])
    expect(await cart(each)).toMatchObject({ status: 302, setCookies: [] });
  expect((await app.provider.refresh("hardened", raw)).status).toBe(400);
  expect([...app.store.made, ...second.store.made]).toEqual(made);
}

onEveryStore("what ended by", (at) => {
  for (const workflow of workflows) {
    test.each(all)(
      `%s is over for every copy of its cookies and for the raw refresh token, in ${workflow} (ASVS 7.4.1, 7.4.2, 7.4.3, 7.4.5)`,
      async (_, end) => {
        const here = await world(at, workflow);
        const kept = here.browser.copy();
        here.app.clock.pass(61, "seconds");
        await end(here, here.browser.copy());
        await here.app.sessions.maintain();
        await expectDead(here, [kept]);
      },
    );
  }

  test.each(all.filter(([name]) => !/password|user's|refresh token/.test(name)))(
    "%s while the provider is down is over here at once, owed there, and paid (ASVS 7.4.1)",
    async (_, end) => {
      const here = await world(at, "sessions+refresh-tokens");
      const { app, browser, raw } = here;
      const kept = browser.copy();
      app.provider.fault = refusedConnection;
      await end(here, browser.copy());
      expect((await cart(kept)).status).toBe(302);
      expect((await cart(browser)).status).toBe(302);
      await app.sessions.maintain();
      expect(app.events.map(({ type }) => type)).not.toContain("revocation-paid");
      app.provider.fault = null;
      await app.sessions.maintain();
      expect((await app.provider.refresh("hardened", raw)).status).toBe(400);
      expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
      await expectDead(here, [kept]);
    },
  );
});

/** The store is the same to all of them: two that differ in who ends, and from where. */
const some = all.filter(([name]) => /signing out$|deactivation/.test(name));

type Held = { name: string; workflow: Workflow; hold(world: World): Gate; path: string };
type StoreCall = "readSignIn" | "insertSession" | "updateSignIn" | "updateSession" | "useSession";

/** Holds the next call of the first node to the store, before the store hears of it or before its answer is heard. */
function holdStore({ app: { store } }: World, name: StoreCall, what: "call" | "answer"): Gate {
  const held = gate();
  const call = store[name] as (...given: unknown[]) => Promise<unknown>;
  Object.assign(store, {
    async [name](...given: unknown[]) {
      Object.assign(store, { [name]: call });
      if (what === "call") await held.pass();
      const answer = await call(...given);
      if (what === "answer") await held.pass();
      return answer;
    },
  });
  return held;
}

const renewing = "sessions+refresh-tokens";
const places: readonly Held[] = [
  ...(["call", "answer"] as const).flatMap((what): Held[] => [
    {
      name: `in the provider's ${what}`,
      workflow: renewing,
      path: "/shopping-cart",
      hold: ({ app }) => app.provider.hold("POST /oauth2/token", what),
    },
    {
      name: `in the provider's ${what}`,
      workflow: "sessions",
      path: "/shopping-cart",
      hold: ({ app }) => app.provider.hold("GET /api/user", what),
    },
    ...(["useSession", "readSignIn", "insertSession", "updateSignIn"] as const).map(
      (name): Held => ({
        name: `in the store's ${what} to ${name}`,
        workflow: renewing,
        path: "/shopping-cart",
        hold: (here) => holdStore(here, name, what),
      }),
    ),
    ...(["useSession", "readSignIn", "updateSession"] as const).map(
      (name): Held => ({
        name: `in the store's ${what} to ${name}`,
        workflow: "sessions",
        path: "/shopping-cart",
        hold: (here) => holdStore(here, name, what),
      }),
    ),
  ]),
  ...workflows.map(
    (workflow): Held => ({
      name: "in its handler",
      workflow,
      path: "/slow",
      hold({ app }) {
        app.gate = gate();
        return app.gate;
      },
    }),
  ),
];

onFramework("Fastify", "a request that waits", (at) => {
  for (const { name, workflow, path, hold } of places) {
    test.each(name.includes("store") ? some : all)(
      `${name} (${workflow}) while its sign-in ends by %s sets no cookie, extends nothing and makes nothing (ASVS 7.4.1)`,
      async (_, end) => {
        const here = await world(at, workflow);
        const { app, browser, other } = here;
        app.clock.pass(11, "minutes");
        // The other device asks now, so that what is held is this browser's.
        await cart(other);
        const copy = browser.copy();
        const held = hold(here);
        const waiting = browser.get(path);
        await held.reached;
        await end(here, copy);
        held.open();
        const answer = await waiting;
        expect([200, 302]).toContain(answer.status);
        expect(answer.setCookies).toEqual([]);
        await app.sessions.maintain();
        await expectDead(here, [copy]);
      },
    );
  }
});
