// The sealed, bound pair (D3): a refresh cookie beside any other session id than the one it was set with never reaches the
// provider, opens nothing, costs the owner nothing, and is reported. Every kind of other session id there is.
import { expect, test } from "vitest";
import { onEveryStore, type TestApplication, types } from "./application.ts";
import { type Browser, cart } from "./browser.ts";

/** The owner after two renewals, the cookies of each stage, and somebody else. */
async function world(app: TestApplication) {
  const person = await app.provider.person();
  const owner = await app.signedIn({ person });
  const stages = [pairOf(owner)];
  for (let renewal = 0; renewal < 2; renewal++) {
    app.clock.pass(31, "minutes");
    await cart(owner);
    stages.push(pairOf(owner));
  }
  const [first, second, third] = stages;
  if (!first || !second || !third) throw new Error("three stages");
  const other = await app.signedIn();
  const ended = await app.signedIn();
  const endedPair = pairOf(ended);
  await cart(ended);
  await ended.post("/logout");
  const thief = app.browser();
  return { person, owner, first, second, third, other, endedPair, thief };
}

type World = Awaited<ReturnType<typeof world>>;
type Pair = ReturnType<typeof pairOf>;

function pairOf(browser: Browser): { session: string; refreshToken: string } {
  return { session: browser.cookie("session"), refreshToken: browser.cookie("refresh-token") };
}

/** What was published, but for the calls of the store: those come with every request. */
const reports = (app: TestApplication) => types(app).filter((type) => type !== "store-called");

const changedAt = (value: string, at: number) =>
  `${value.slice(0, at)}${value[at] === "A" ? "B" : "A"}${value.slice(at + 1)}`;

/** Pairs that were never set together. The owner's session has idled out when they are tried, and so has everybody's. */
const pairs: [string, (world: World) => Pair][] = [
  ["no session id", ({ third }) => ({ ...third, session: "" })],
  ["a made-up session id", ({ third }) => ({ ...third, session: "A".repeat(43) })],
  ["what can't be a session id", ({ third }) => ({ ...third, session: "not-a-session-id" })],
  [
    "the right session id with a character changed",
    ({ third }) => ({ ...third, session: changedAt(third.session, 7) }),
  ],
  ["the right session id twice as long", ({ third }) => ({ ...third, session: third.session.repeat(2) })],
  ["the session id before", ({ second, third }) => ({ ...third, session: second.session })],
  ["the first session id", ({ first, third }) => ({ ...third, session: first.session })],
  ["another user's session id", ({ other, third }) => ({ ...third, session: pairOf(other).session })],
  [
    "the session id of a sign-in that is over",
    ({ endedPair, third }) => ({ ...third, session: endedPair.session }),
  ],
  ["the refresh cookie before", ({ second, third }) => ({ ...third, refreshToken: second.refreshToken })],
  ["the first refresh cookie", ({ first, third }) => ({ ...third, refreshToken: first.refreshToken })],
  [
    "another user's refresh cookie",
    ({ other, third }) => ({ ...third, refreshToken: pairOf(other).refreshToken }),
  ],
  [
    "the refresh cookie of a sign-in that is over",
    ({ endedPair, third }) => ({ ...third, refreshToken: endedPair.refreshToken }),
  ],
];

onEveryStore("a pair that was never set together", (at) => {
  test.each(pairs)(
    "%s: no page, no cookie, no call; it is reported, and the owner goes on",
    async (_, choose) => {
      const app = await at.start();
      const here = await world(app);
      app.clock.pass(31, "minutes");
      const { session, refreshToken } = choose(here);
      if (session !== "") here.thief.plant("session", session);
      here.thief.plant("refresh-token", refreshToken);
      const calls = app.provider.calls.length;
      const before = reports(app).length;
      expect(await cart(here.thief)).toMatchObject({ status: 302, setCookies: [] });
      expect(await here.thief.get("/")).toMatchObject({ status: 200, body: "a visitor", setCookies: [] });
      expect(app.provider.calls.slice(calls)).toEqual([]);
      expect(reports(app).slice(before)).toEqual(["mismatched-pair", "mismatched-pair"]);

      const answer = await cart(here.owner);
      expect([answer.status, answer.body.includes(here.person.email)]).toEqual([200, true]);
      expect((await cart(here.other)).status).toBe(200);
    },
  );

  test("the pair itself is renewed: what the refusals above differ from", async () => {
    const app = await at.start();
    const { third, thief, person } = await world(app);
    app.clock.pass(31, "minutes");
    thief.plant("session", third.session);
    thief.plant("refresh-token", third.refreshToken);
    expect((await cart(thief)).body).toContain(person.email);
  });
});
