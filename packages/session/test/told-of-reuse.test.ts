// A copied cookie that was found is told to the provider as that, so that it can tell the user (ASVS 6.3.5); no other end is.
import { expect, test } from "vitest";
import { everywhere, type TestApplication } from "./application.ts";
import { cart } from "./browser.ts";
import { refusedConnection } from "./provider.ts";

/** The queries of the revocations from now on; while `isDown`, the provider does not get them. */
function revocations(app: TestApplication, isDown: () => boolean = () => false): string[] {
  const queries: string[] = [];
  app.provider.fault = (request) => {
    if (request.method !== "DELETE") return null;
    queries.push(new URL(request.url).search);
    return isDown() ? refusedConnection() : null;
  };
  return queries;
}

/** The owner's pair is copied, both use it, and the library finds out. */
async function reuse(app: TestApplication): Promise<void> {
  const owner = await app.signedIn();
  await cart(owner);
  const thief = owner.copy();
  app.clock.pass(11, "minutes");
  await cart(owner);
  await cart(owner);
  app.clock.pass(31, "seconds");
  expect((await cart(thief)).status).toBe(302);
}

everywhere("the provider", (at) => {
  test("is told that a copied cookie was found", async () => {
    const app = await at.start();
    const queries = revocations(app);
    await reuse(app);
    expect(queries).toEqual(["?reason=reuse"]);
  });

  test("is told the same when it was down at that moment", async () => {
    const app = await at.start();
    let isDown = true;
    const queries = revocations(app, () => isDown);
    await reuse(app);
    isDown = false;
    await app.sessions.maintain();
    expect(queries).toEqual(["?reason=reuse", "?reason=reuse"]);
    expect(await app.store.signInsOwingRevocation(10)).toEqual([]);
  });

  test("is told of no reuse when a user signs out", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const queries = revocations(app);
    await browser.post("/logout");
    expect(queries).toEqual([""]);
  });
});
