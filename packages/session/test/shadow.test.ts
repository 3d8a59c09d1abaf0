// The thief in the owner's shadow, who asks right after each of the owner's requests (D7): a session that nobody has presented
// yet goes to the address it was minted for. And the people who change networks meanwhile: they lose nothing by that.
import { expect, test } from "vitest";
import { everywhere, type Place, type TestApplication, types, withReusableTokens } from "./application.ts";
import { type Browser, cart } from "./browser.ts";
import { cookiesSet } from "./http.ts";

const elsewhere = { from: "127.0.0.66" };

/** The owner opens a page every four minutes, the thief the same a second later; how often until one of them is out. */
async function rounds(
  app: TestApplication,
  { owner, thief }: Record<"owner" | "thief", Browser>,
  where = {},
) {
  for (let round = 1; round <= 10; round++) {
    app.clock.pass(239, "seconds");
    if ((await cart(owner)).status !== 200) return round;
    app.clock.pass(1, "seconds");
    if ((await cart(thief, where)).status !== 200) return round;
  }
  return null;
}

const shadow = (at: Place) => {
  test("a thief in the owner's shadow, at another address, is handed nothing and found out within 20 minutes (CWE-613)", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    const thief = owner.copy();
    const stolen = thief.cookie("session");
    expect(await rounds(app, { owner, thief }, elsewhere)).toBeLessThanOrEqual(5);
    expect(thief.cookie("session")).toBe(stolen);
    expect(types(app)).toContain("reuse-detected");
    for (const browser of [owner, thief]) expect((await cart(browser)).status).toBe(302);
  });

  test("a thief in the owner's shadow, at the owner's own address, can't be told from a second tab", async () => {
    const app = await at.start();
    const owner = await app.signedIn();
    const thief = owner.copy();
    expect(await rounds(app, { owner, thief })).toBeNull();
    expect(thief.cookie("session")).toBe(owner.cookie("session"));
  });

  test("of 50 requests at once from two addresses, over two nodes, all are served, and one address is handed one session", async () => {
    const app = await at.start();
    const second = await at.start({ beside: app });
    const owner = await app.signedIn();
    app.clock.pass(31, "minutes");
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const where = index % 2 === 0 ? {} : elsewhere;
        const port = index % 4 < 2 ? app.port : second.port;
        return { index, answer: await cart(owner.copy(), { ...where, port }) };
      }),
    );
    expect(new Set(answers.map(({ answer }) => answer.status))).toEqual(new Set([200]));
    const handed = answers.filter(({ answer }) => answer.setCookies.length > 0);
    expect(new Set(handed.map(({ index }) => index % 2)).size).toBe(1);
    expect(
      new Set(
        cookiesSet(
          handed.map(({ answer }) => answer),
          "session",
        ),
      ).size,
    ).toBe(1);
    expect(types(app)).not.toContain("reuse-detected");
  });

  test("who lost an answer by changing networks is served at once, and has a new session half a minute later", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const [lost] = cookiesSet([await cart(browser, { lost: true })], "session");
    app.clock.pass(2, "seconds");
    expect(await cart(browser, elsewhere)).toMatchObject({ status: 200, setCookies: [] });
    app.clock.pass(29, "seconds");
    expect((await cart(browser, elsewhere)).status).toBe(200);
    expect(browser.cookie("session")).not.toBe(lost);
    expect(await cart(browser)).toMatchObject({ status: 200, setCookies: [] });
    expect(types(app)).not.toContain("reuse-detected");
  });

  test("whose address is another one at every request stays signed in, with tabs at once and answers lost", async () => {
    const app = await at.start();
    const browser = await app.signedIn({ remember: true });
    for (let visit = 1; visit <= 40; visit++) {
      app.clock.pass([2, 20, 31, 300, 900, 7_200][visit % 6] ?? 0, "seconds");
      const tabs = [0, 1].map((tab) =>
        cart(browser, { from: `127.0.${visit}.${tab + 2}`, lost: (visit + tab) % 5 === 0 }),
      );
      for (const { status } of await Promise.all(tabs)) expect(status).toBe(200);
    }
    expect(types(app)).not.toContain("reuse-detected");
  });

  test("who is left with a replaced attempt at another address is served, and renewed when the provider is due", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const late = await cart(browser, { lost: true });
    app.clock.pass(31, "seconds");
    await cart(browser, { ...elsewhere, lost: true });
    const [[session = ""], [refreshToken = ""]] = [
      cookiesSet([late], "session"),
      cookiesSet([late], "refresh-token"),
    ];
    const overtaken = browser.holding(session, refreshToken);
    expect(await cart(overtaken)).toMatchObject({ status: 200, setCookies: [] });
    app.clock.pass(10, "minutes");
    expect((await cart(overtaken)).status).toBe(200);
    expect(overtaken.cookie("session")).not.toBe(session);
    expect(types(app)).not.toContain("reuse-detected");
  });
};
everywhere("shadow", shadow);
withReusableTokens("shadow", shadow);
