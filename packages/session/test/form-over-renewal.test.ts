// A form rendered before a renewal posts after it, and what was typed arrives byte for byte (D10): on every framework, for
// forms and for JSON, after one renewal and after several, also when 20 tabs post at once into the renewal.
import { expect, test } from "vitest";
import { onEveryFramework } from "./application.ts";
import { cookiesSet } from "./http.ts";

const typed: readonly [string, string][] = [
  ["plain words", "lamp & shade"],
  ["what looks like a form", "a=b&form-token=x;c=d+e%20f"],
  ["every script", "Ünïcödé – 漢字 – עברית – 🪑🏮 – \u200d – é vs e\u0301"],
  ["lines and tabs", "one\r\ntwo\n\tthree\r\n"],
  ["what looks like markup", `<b>"&amp;'</b>`],
  ["thirty thousand characters", "Sätze. ".repeat(4_300)],
];

onEveryFramework("a form from before a renewal", (at) => {
  test.each(typed)("brings %s whole", async (_, item) => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = await app.signedIn({ person });
    await browser.get("/shopping-cart");
    const { token } = browser;
    app.clock.pass(31, "minutes");
    const whole = `${person.email} adds ${item}`;
    const answer = await browser.post("/items", { item }, { token });
    expect([answer.status, answer.body]).toEqual([200, whole]);
    expect(cookiesSet([answer], "session")).toHaveLength(1);

    app.clock.pass(31, "minutes");
    const headers = { "content-type": "application/json", "x-form-token": token ?? "" };
    const asJson = await browser.request("POST", "/items", JSON.stringify({ item }), { headers });
    expect([asJson.status, asJson.body]).toEqual([200, whole]);
    expect(cookiesSet([asJson], "session")).toHaveLength(1);
  });

  test("is whole in each of 20 tabs that post at once into one renewal", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = await app.signedIn({ person });
    await browser.get("/shopping-cart");
    app.clock.pass(31, "minutes");
    const items = Array.from({ length: 20 }, (_, tab) => `tab ${tab}: ${"ä".repeat(tab * 50)}`);
    const answers = await Promise.all(items.map((item) => browser.copy().post("/items", { item })));
    expect(answers.map(({ body }) => body)).toEqual(items.map((item) => `${person.email} adds ${item}`));
    expect(new Set(cookiesSet(answers, "session")).size).toBe(1);
  });
});
