// Sessions that are asked for in one turn of the event loop are looked up together: each request still gets its own, or nobody.
import { expect, test } from "vitest";
import { post } from "./account.ts";
import { onEveryStore } from "./application.ts";

onEveryStore("requests of many at once", (at) => {
  test("show each browser its own user's page, and nobody's to one that has signed out or is a stranger", async () => {
    const app = await at.start();
    const people = await Promise.all(Array.from({ length: 4 }, () => app.provider.person()));
    const signedIn = [];
    for (const person of people) {
      const browser = await app.signedIn({ person });
      await browser.get("/slow");
      signedIn.push({ browser, expected: `slow page of ${person.email}` });
    }
    const [leaving] = signedIn;
    if (leaving === undefined) throw new Error("nobody has signed in");
    const asBefore = leaving.browser.copy();
    await post(leaving.browser, "/logout");

    const asking = [
      { browser: asBefore, expected: "" },
      { browser: app.browser(), expected: "" },
      ...signedIn.slice(1),
    ];
    const often = Array.from({ length: 60 }, (_, index) => asking[(index * 7) % asking.length] ?? leaving);
    const answers = await Promise.all(often.map(({ browser }) => browser.copy().get("/slow")));
    expect(answers.map(({ body }) => body)).toEqual(often.map(({ expected }) => expected));
  });
});
