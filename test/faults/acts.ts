// What people do while a process is killed under them, and what must hold afterwards: whatever was acknowledged, and nobody signed out
// who did not want it.
import { expect } from "vitest";
import type { Browser } from "../../packages/session/test/browser.ts";
import type { Incoming } from "../../packages/session/test/http.ts";
import { secret } from "../leak-watch.ts";
import { killHere, killProvider, webhookPath } from "./kill-headers.ts";
import type { Part, World } from "./world.ts";

/** Who is to die, and at which step of the request that the act is about. */
export interface Death {
  readonly part: Part;
  readonly at: number;
}

/** Does something under that threat and checks what became of it. */
export type Act = (world: World, death: Death) => Promise<void>;

const page = "/shopping-cart";

/** Everything that people do. */
export const acts: Readonly<Record<string, Act>> = {
  async "signing in"(world, death) {
    const person = await world.person();
    const browser = world.browser();
    await world.insist(() => browser.get("/login"));
    const form = { loginId: person.email, password: person.password };
    const answer = await attempt(() => browser.post("/login", form, threat(death)));
    if (answer?.status !== 302) {
      await world.insist(async () => {
        await browser.get("/login");
        return browser.post("/login", form);
      });
    }
    await isSignedIn(world, browser);
  },

  async "renewing a session"(world, death) {
    const browser = await world.signedIn(await world.person());
    await isSignedIn(world, browser);
    for (const length of [11, 40]) {
      await world.pass(length, "minutes");
      await attempt(() => browser.get(page, threat(death)));
      await isSignedIn(world, browser);
    }
  },

  async "signing out"(world, death) {
    const person = await world.person();
    const browser = await world.signedIn(person);
    await isSignedIn(world, browser);
    const copy = browser.copy();
    const answer = await attempt(() => browser.post("/logout", {}, threat(death)));
    if (answer?.status !== 302) await world.insist(() => copy.copy().post("/logout"));
    await isSignedOut(world, copy);
    await world.pass(11, "minutes");
    await isSignedOut(world, copy);
    await eventually(world, () => hasNoRefreshToken(world, person.id));
  },

  async "ending another device"(world, death) {
    const person = await world.person();
    const [browser, other] = [await world.signedIn(person), await world.signedIn(person)];
    for (const each of [browser, other]) await isSignedIn(world, each);
    // This one and no third: where the answer to a sign-in got lost, it was repeated, and there are two.
    const [ended] = await devices(world, other, ({ isThis }) => isThis);
    const stillListed = async () => {
      const [listed] = await devices(world, browser, ({ signInId }) => signInId === ended?.signInId);
      return listed;
    };
    const answer = await attempt(async () =>
      browser.post("/account/end", { signInId: (await stillListed())?.signInId ?? "" }, threat(death)),
    );
    if (answer?.status !== 200) {
      await world.insist(async () => {
        const listed = await stillListed();
        return listed === undefined
          ? browser.get(page)
          : browser.post("/account/end", { signInId: listed.signInId });
      });
    }
    await isSignedOut(world, other);
    await isSignedIn(world, browser);
  },

  async "changing the password"(world, death) {
    const person = await world.person();
    const [browser, other] = [await world.signedIn(person), await world.signedIn(person)];
    for (const each of [browser, other]) await isSignedIn(world, each);
    const password = secret(`another long pass phrase ${person.id}`);
    const form = { currentPassword: person.password, newPassword: password };
    const answer = await attempt(() => browser.post("/account/password", form, threat(death)));
    // Changed, but not signed in again: the answer leads to the login form.
    if (answer?.headers["location"] === page) await isSignedIn(world, browser);
    else if (answer?.status !== 302 && !(await isRight(world, person.email, password))) {
      await world.insist(() => browser.get(page));
      await world.insist(() => browser.post("/account/password", form));
    }
    expect(await isRight(world, person.email, password), "the new password").toBe(true);
    await eventually(world, async () => (await world.insist(() => other.get(page))).status === 302);
  },

  async "being signed out by an administrator"(world, death) {
    const person = await world.person();
    const browser = await world.signedIn(person);
    await isSignedIn(world, browser);
    const path = `/api/jwt/refresh?userId=${person.id}`;
    if (death.part === "application") await doomWebhook(world, death.at);
    const headers: Record<string, string> = death.part === "provider" ? { [killHere]: String(death.at) } : {};
    const answer = await attempt(() => world.api("DELETE", path, undefined, headers));
    if (answer?.status !== 200) await world.insist(() => world.api("DELETE", path));
    await eventually(world, async () => (await world.insist(() => browser.get(page))).status === 302);
    if (death.part === "application") await undoom(world);
  },
};

function threat({ part, at }: Death): { headers: Record<string, string> } {
  return { headers: { [part === "application" ? killHere : killProvider]: String(at) } };
}

/** The answer, or `null` where the connection was cut: nobody knows what happened. */
async function attempt(request: () => Promise<Incoming>): Promise<Incoming | null> {
  return request().catch(() => null);
}

async function isSignedIn(world: World, browser: Browser): Promise<void> {
  const { status, body } = await world.insist(() => browser.get(page));
  expect({ status, body }).toEqual({ status: 200, body: expect.stringContaining("cart of") });
}

async function isSignedOut(world: World, browser: Browser): Promise<void> {
  const { status, setCookies } = await world.insist(() => browser.get(page));
  expect({ status, setCookies }).toEqual({ status: 302, setCookies: [] });
}

async function isRight(world: World, loginId: string, password: string): Promise<boolean> {
  const answer = await world.insist(async () => {
    const browser = world.browser();
    await browser.get("/login");
    return browser.post("/login", { loginId, password });
  });
  return answer.status === 302;
}

interface ListedDevice {
  readonly signInId: string;
  readonly isThis: boolean;
}

/** Those of the person's devices, as this browser's account page lists them. */
async function devices(
  world: World,
  browser: Browser,
  which: (device: ListedDevice) => boolean,
): Promise<readonly ListedDevice[]> {
  const { body } = await world.insist(() => browser.get("/account"));
  const json = /<script type="application\/json">(.*)<\/script>/.exec(body)?.[1] ?? "[]";
  return (JSON.parse(json) as ListedDevice[]).filter(which);
}

async function hasNoRefreshToken(world: World, userId: string): Promise<boolean> {
  const { body } = await world.insist(() => world.api("GET", `/api/jwt/refresh?userId=${userId}`));
  return ((JSON.parse(body) as { refreshTokens?: unknown[] }).refreshTokens ?? []).length === 0;
}

/** Far sooner than the ten minutes after which a session is looked at anyway. */
async function eventually(world: World, isSo: () => Promise<boolean>): Promise<void> {
  for (let seconds = 0; seconds < 300; seconds += 5) {
    if (await isSo()) return;
    await world.pass(5, "seconds");
    await world.maintain();
  }
  expect.unreachable("five minutes later it is still not so");
}

async function doomWebhook(world: World, at: number): Promise<void> {
  await world.parts.application.tell({ doom: { path: webhookPath, at } });
}

async function undoom(world: World): Promise<void> {
  await world.parts.application.standing();
  await world.parts.application.tell({ doom: null });
}
