// The account pages in a real browser: another device is signed out there, a changed password reaches the other
// application, and the user hears of it by mail, which `npm start` keeps in its outbox.
import type { BrowserContext, Page } from "playwright-core";
import { describe, expect, onTestFinished } from "vitest";
import type { SentMail } from "../../start/outbox.ts";
import { secret } from "../leak-watch.ts";
import { test } from "./browser.ts";
import { ada, applications, demo, expectLoginForm, minutes, signIn } from "./demo.ts";

const system = demo({ workflow: "sessions+refresh-tokens", policy: "hardened" });

/** Another browser, on another device: it shares no cookie with the first. */
async function otherDevice(context: BrowserContext): Promise<Page> {
  const other = await context.browser()?.newContext({ javaScriptEnabled: false });
  if (other === undefined) throw new Error("the context has no browser");
  onTestFinished(() => other.close());
  return other.newPage();
}

async function mail(): Promise<SentMail[]> {
  // Node resolves no names under localhost.
  const answer = await fetch(system.outbox().replace("outbox.localhost", "127.0.0.1") + "/messages.json");
  return (await answer.json()) as SentMail[];
}

/** Waits until the outbox holds another message than those there were; answers it. */
async function nextMail(before: readonly SentMail[], about: RegExp): Promise<SentMail> {
  const find = async () =>
    (await mail()).slice(0, -before.length || undefined).find(({ subject }) => about.test(subject));
  await expect.poll(find, { timeout: 10_000 }).toBeDefined();
  const found = await find();
  if (found === undefined) throw new Error("the message is gone");
  return found;
}

async function changePassword(page: Page, origin: string, current: string, next: string): Promise<void> {
  await page.goto(`${origin}/account`);
  await page.getByRole("link", { name: "Change password" }).click();
  await page.getByLabel("Current password").fill(current);
  await page.getByLabel("New password", { exact: true }).fill(next);
  await page.getByLabel("New password, once more").fill(next);
  await page.getByRole("button", { name: "Change password" }).click();
}

// First: a user is told of a few new devices at once, then of one in four hours.
test("a sign-in from a new device is in the outbox", async ({ context }) => {
  const [store] = applications.map((application) => system.origin(application));
  await signIn(await context.newPage(), store ?? "");
  const before = await mail();
  await signIn(await otherDevice(context), store ?? "");
  const message = await nextMail(before, /new/i);
  expect(message.to).toBe(ada.email);
  expect(message.text).toContain("Chrome on Linux");
  expect(message.text).not.toMatch(/https?:\/\/[^\s]*[?#]/);
});

describe.each(applications)("the account pages of the $name", (application) => {
  const origin = () => system.origin(application);

  test("show another device, and sign it out there (ASVS 7.5.2)", async ({ context }) => {
    const [here, there] = [await context.newPage(), await otherDevice(context)];
    await signIn(here, origin());
    await signIn(there, origin());
    await here.getByRole("link", { name: "Account" }).click();
    const devices = here.getByRole("listitem").filter({ has: here.getByRole("heading", { level: 3 }) });
    expect(await devices.filter({ hasText: "This device" }).count()).toBe(1);
    const before = await devices.count();
    expect(before).toBeGreaterThanOrEqual(2);

    await there.goto(`${origin()}/account`);
    await here
      .getByRole("button", { name: /^Sign out Chrome on Linux/ })
      .first()
      .click();
    expect(await here.getByRole("status").textContent()).toBe("That device is signed out.");
    expect(await devices.count()).toBe(before - 1);
    await there.reload();
    await expectLoginForm(there, origin());
  });

  test("ask for the password again after ten minutes, and go on from there (ASVS 7.5.3)", async ({
    context,
  }) => {
    const [here, there] = [await context.newPage(), await otherDevice(context)];
    await signIn(here, origin());
    await signIn(there, origin());
    await here.goto(`${origin()}/account`);
    system.advance(10 * minutes);
    await here.getByRole("button", { name: "Sign out all other devices" }).click();
    expect(await here.getByRole("heading", { level: 1 }).textContent()).toBe("Confirm it's you");
    expect(await here.getByLabel("Email").inputValue()).toBe(ada.email);
    expect(await here.getByLabel("Email").isEditable()).toBe(false);
    expect(await here.getByRole("checkbox").count()).toBe(0);
    await there.goto(`${origin()}/account`);
    expect(new URL(there.url()).pathname).toBe("/account");

    await here.getByLabel("Password").fill(ada.password);
    await here.getByRole("button", { name: "Confirm" }).click();
    expect(here.url()).toBe(`${origin()}/account`);
    await here.getByRole("button", { name: "Sign out all other devices" }).click();
    expect(await here.getByRole("status").textContent()).toBe("All other devices are signed out.");
    await there.reload();
    await expectLoginForm(there, origin());
  });

  test("sign the user out everywhere, in the other application too (ASVS 7.4.3)", async ({ context }) => {
    const page = await context.newPage();
    const others = applications.filter((each) => each !== application).map((each) => system.origin(each));
    for (const each of [...others, origin()]) await signIn(page, each);
    await page.goto(`${origin()}/account`);
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    expect(await page.getByRole("status").textContent()).toBe("You are signed out on all your devices.");
    await expectLoginForm(page, origin());
    for (const each of others) await expectSignedOut(page, each);
  });
});

/** Waits for the provider's webhook to arrive: no renewal is due, and no clock is moved. */
async function expectSignedOut(page: Page, origin: string): Promise<void> {
  const path = async () => {
    await page.goto(`${origin}/account`);
    return new URL(page.url()).pathname;
  };
  await expect.poll(path, { timeout: 10_000 }).toBe("/login");
  await expectLoginForm(page, origin);
}

describe("what happens to an account", () => {
  test("a password changed in the Store signs the Forum out at once, and is in the outbox (ASVS 6.3.7, 7.4.3)", async ({
    context,
  }) => {
    const [store = "", forum = ""] = applications.map((application) => system.origin(application));
    const page = await context.newPage();
    await signIn(page, forum);
    await signIn(page, store);
    const before = await mail();
    const next = secret("a difference engine in brass");
    await changePassword(page, store, ada.password, next);
    expect(await page.getByRole("status").textContent()).toContain("Your password is changed.");
    await expectSignedOut(page, forum);
    await page.goto(`${store}/account`);
    expect(new URL(page.url()).pathname).toBe("/account");

    const message = await nextMail(before, /password/i);
    expect(message.to).toBe(ada.email);
    expect(message.text).not.toContain(next);
    await page.goto(system.outbox());
    expect(await page.getByRole("heading", { name: message.subject }).count()).toBeGreaterThanOrEqual(1);
    await changePassword(page, store, next, ada.password);
    expect(await page.getByRole("status").textContent()).toContain("Your password is changed.");
  });
});
