// The attacks the published workflows end with. Under `as-described` they succeed, which is what the published text
// says; under the default policy the same steps fail, or work for minutes only.
import type { BrowserContext, Cookie } from "playwright-core";
import { describe, expect } from "vitest";
import { test } from "./browser.ts";
import {
  type Application,
  applications,
  cookie,
  type Demo,
  demo,
  expectAdasHome,
  expectLoginForm,
  minutes,
  signIn,
} from "./demo.ts";

/** A second browser, on another machine, that has nothing but the stolen cookies. */
async function thief(owner: BrowserContext, stolen: readonly Cookie[]): Promise<BrowserContext> {
  const browser = owner.browser();
  if (browser === null) throw new Error("the context has no browser");
  const context = await browser.newContext();
  await context.addCookies(stolen);
  return context;
}

async function stealing(
  system: Demo,
  application: Application,
  owner: BrowserContext,
  names: readonly string[],
) {
  const origin = system.origin(application);
  await signIn(await owner.newPage(), origin);
  const stolen = await Promise.all(names.map((name) => cookie(owner, origin, name)));
  const context = await thief(owner, stolen);
  return { origin, stolen, context, page: await context.newPage() };
}

describe.each(applications)("as described, $name", (application) => {
  const w1 = demo({ workflow: "sessions", policy: "as-described" });
  const w2 = demo({ workflow: "sessions+refresh-tokens", policy: "as-described" });

  test("A1 SUCCEEDS: a stolen session id opens the victim's page, as the seeds say", async ({ context }) => {
    const attack = await stealing(w1, application, context, ["session"]);
    await attack.page.goto(`${attack.origin}${application.home}`);
    await expectAdasHome(attack.page, application, attack.origin);
    await attack.context.close();
  });

  test("A1 SUCCEEDS in W2 too, and goes on for as long as it is used", async ({ context }) => {
    const attack = await stealing(w2, application, context, ["session"]);
    for (let visit = 0; visit < 5; visit++) {
      await attack.page.goto(`${attack.origin}${application.home}`);
      await expectAdasHome(attack.page, application, attack.origin);
      w2.advance(29 * minutes);
    }
    await attack.context.close();
  });

  test("A2 SUCCEEDS: a stolen refresh token with a made-up session id becomes a session", async ({
    context,
  }) => {
    const attack = await stealing(w2, application, context, ["refresh-token"]);
    const [template] = attack.stolen;
    if (template === undefined) throw new Error("nothing was stolen");
    const madeUp = { ...template, name: "session", value: "x".repeat(43) };
    await attack.context.addCookies([madeUp]);
    await attack.page.goto(`${attack.origin}${application.home}`);
    await expectAdasHome(attack.page, application, attack.origin);
    const won = await cookie(attack.context, attack.origin, "session");
    expect(won.value).not.toBe(madeUp.value);
    await attack.context.close();
  });
});

describe.each(applications)("hardened, $name", (application) => {
  const w2 = demo({ workflow: "sessions+refresh-tokens", policy: "hardened" });

  test("A1 ends within ten minutes: a session id without its refresh token is not renewed", async ({
    context,
  }) => {
    const attack = await stealing(w2, application, context, ["session"]);
    await attack.page.goto(`${attack.origin}${application.home}`);
    await expectAdasHome(attack.page, application, attack.origin);
    w2.advance(10 * minutes);
    await attack.page.goto(`${attack.origin}${application.home}`);
    await expectLoginForm(attack.page, attack.origin);

    const [owner] = context.pages();
    await owner?.goto(`${attack.origin}${application.home}`);
    if (owner !== undefined) await expectAdasHome(owner, application, attack.origin);
    await attack.context.close();
  });

  test("A2 FAILS: a stolen refresh token with a made-up session id gets the login form", async ({
    context,
  }) => {
    const attack = await stealing(w2, application, context, ["refresh-token"]);
    const [template] = attack.stolen;
    if (template === undefined) throw new Error("nothing was stolen");
    await attack.context.addCookies([{ ...template, name: "session", value: "x".repeat(43) }]);
    await attack.page.goto(`${attack.origin}${application.home}`);
    await expectLoginForm(attack.page, attack.origin);

    const [owner] = context.pages();
    await owner?.goto(`${attack.origin}${application.home}`);
    if (owner !== undefined) await expectAdasHome(owner, application, attack.origin);
    await attack.context.close();
  });
});
