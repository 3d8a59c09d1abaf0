// Cross-site request forgery (CWE-352, WSTG-SESS-05), over every unsafe route that Store and Forum really have: refused,
// nothing changed, no cookie set. Each route is used as meant at the end, so that no refusal came from a bad sample.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Browser } from "../../packages/session/test/browser.ts";
import type { Incoming } from "../../packages/session/test/http.ts";
import { ben } from "../applications/company.ts";
import { type Forge, foreign, otherTypes, reading, tokenless } from "./forgeries.ts";
import { guestOf, type Own, sampleOf, samples, unsafeRoutes, victimOf } from "./samples.ts";
import { everyTarget, startTarget, type Target } from "./targets.ts";

test("no sample is for a route that neither application has any more", async () => {
  const routes = await Promise.all(
    (["Store", "Forum"] as const).map(async (name) => {
      await using target = await startTarget(name, `http://${name.toLowerCase()}.localhost`);
      return target.routes;
    }),
  );
  expect(Object.keys(samples).filter((route) => !routes.flat().includes(route))).toEqual([]);
});

describe.each(everyTarget)("%s at %s", (name, origin) => {
  let target: Target;
  let attacker: Browser;
  beforeAll(async () => {
    target = await startTarget(name, origin);
    attacker = await target.signedIn(ben);
    await attacker.get(tokenPage);
  });
  afterAll(() => target[Symbol.asyncDispose]());

  test("every unsafe route has a sample, signing in and out among them", () => {
    const routes = unsafeRoutes(target.routes);
    expect(routes).toEqual(expect.arrayContaining(["POST /login", "POST /logout"]));
    for (const route of routes) expect(Object.keys(samples)).toContain(route);
    expect(routes.length).toBeGreaterThan(4);
  });

  test("what a signed-in user can do, another page can't (ASVS 3.5.1, 3.5.2)", {
    timeout: 120_000,
  }, async () => {
    for (const route of unsafeRoutes(target.routes)) {
      const { victim, own } = await victimOf(target);
      await expectUnforgeable({ target, route, own, victim, foreignTokens: [attacker.token] });
      await expectDoes({ target, route, own, victim });
    }
  });

  test("what a guest can do, another page can't, signing in included (ASVS 3.5.1)", {
    timeout: 120_000,
  }, async () => {
    for (const route of unsafeRoutes(target.routes).filter((each) => samples[each]?.forGuests)) {
      const { victim, own } = await guestOf(target);
      const stranger = target.browser();
      await stranger.get("/login");
      await expectUnforgeable({
        target,
        route,
        own,
        victim,
        foreignTokens: [attacker.token, stranger.token],
      });
      await expectDoes({ target, route, own, victim });
    }
  });

  test("a token from before signing in is good at the login form alone (CORF)", async () => {
    const { own, person } = await victimOf(target);
    const { email, password } = person;
    const victim = target.browser();
    await victim.get("/login");
    const early = victim.token;
    await victim.post("/login", { email, password });
    for (const route of unsafeRoutes(target.routes).filter((each) => each !== "POST /login")) {
      const { path, fields } = sampleOf(route, own);
      await expectNothingHappens(target, victim, route, () => victim.post(path, fields, { token: early }));
    }
    const again = await victim.post("/login", { email, password }, { token: early });
    expect(again.status).toBe(302);
  });

  test("a token of an earlier sign-in of the same user is good for nothing (ASVS 7.2.4)", async () => {
    const { victim, own, person } = await victimOf(target);
    const early = victim.token;
    const other = await target.signedIn(person);
    await other.get(tokenPage);
    await victim.get(tokenPage);
    await victim.post("/login", { email: person.email, password: person.password });
    for (const route of unsafeRoutes(target.routes)) {
      const { path, fields } = sampleOf(route, own);
      for (const token of [early, other.token]) {
        await expectNothingHappens(target, victim, route, () => victim.post(path, fields, { token }));
      }
    }
  });

  test("another page can neither sign somebody in as the attacker nor sign them out (login CSRF)", async () => {
    const fields = { email: ben.email, password: ben.password };
    const fresh = target.browser();
    const { victim, person } = await victimOf(target);
    const cross = { headers: { "sec-fetch-site": "cross-site", origin: "https://evil.example" } };
    for (const browser of [fresh, victim]) {
      for (const token of [attacker.token, null]) {
        await expectNothingHappens(target, browser, "POST /login", () =>
          browser.post("/login", fields, { ...cross, token }),
        );
      }
    }
    await expectNothingHappens(target, victim, "POST /logout", () => victim.post("/logout", {}, cross));
    await expectNothingHappens(target, victim, "GET /logout", () => victim.get("/logout"), true);
    expect((await victim.get("/")).body).toContain(person.fullName);
  });

  test("the one path without a guard, the webhooks', takes a signature and no cookie (ASVS 3.5.1)", async () => {
    const { victim, person } = await victimOf(target);
    const event = {
      type: "user.deactivate",
      id: "00000000-0000-4000-8000-000000000001",
      createInstant: Date.now(),
    };
    const body = JSON.stringify({ event: { ...event, user: { id: person.id } } });
    const json = { "content-type": "application/json" };
    for (const headers of [
      json,
      { ...json, "sec-fetch-site": "same-origin", origin: target.origin, "x-form-token": victim.token ?? "" },
      { "content-type": "text/plain", "sec-fetch-site": "cross-site", origin: "https://evil.example" },
      { ...json, "x-fusionauth-signature-jwt": "e30.e30.e30" },
    ]) {
      const [rows, heard] = [target.rows(), target.events.length];
      const answer = await victim.request("POST", "/webhooks/identity-provider", body, { headers });
      expect(answer).toMatchObject({ status: 401, setCookies: [] });
      const happened = target.events.slice(heard).map(({ type }) => type);
      expect(happened.filter((type) => type !== "webhook-refused")).toEqual([]);
      expect(target.rows()).toBe(rows);
    }
    expect((await victim.get("/")).body).toContain(person.fullName);
  });

  test("a route that only reads changes nothing, and says who is there to no other site (ASVS 3.4.2, 3.5.3)", async () => {
    const { victim } = await victimOf(target);
    const reads = target.routes.filter((route) => route.startsWith("GET ") && !route.includes(":"));
    for (const route of reads) {
      for (const from of ["https://evil.example", "null", `${target.origin}.evil.example`]) {
        const headers = { origin: from, "sec-fetch-site": "cross-site" };
        const path = `${route.slice(4)}?callback=steal&jsonp=steal`;
        const answer = await expectNothingHappens(
          target,
          victim,
          route,
          () => victim.get(path, { headers }),
          true,
        );
        expect(Object.keys(answer.headers).filter((each) => each.startsWith("access-control-"))).toEqual([]);
        expect(answer.body).not.toContain("steal(");
        expect(answer.headers["cross-origin-resource-policy"]).toBe("same-origin");
      }
    }
  });
});

/** A page of both applications that has a form token when somebody is signed in. */
const tokenPage = "/no-such-page";

interface Attempt {
  readonly target: Target;
  readonly route: string;
  readonly own: Own;
  readonly victim: Browser;
}

async function expectUnforgeable({
  target,
  route,
  own,
  victim,
  foreignTokens,
}: Attempt & { foreignTokens: (string | null)[] }): Promise<void> {
  const { path, fields } = sampleOf(route, own);
  const forged = { path, fields, token: victim.token ?? "", origin: target.origin };
  expect(forged.token).not.toBe("");
  const heard = target.events.length;
  const send = async (kind: string, forge: Forge, isRead = false) => {
    const { method, path: at, headers = {}, body } = forge(forged);
    await expectNothingHappens(
      target,
      victim,
      `${route}, ${kind}`,
      () => victim.request(method, at, body, { headers }),
      isRead,
    );
  };
  for (const [kind, forge] of foreign) await send(kind, forge);
  // A request from another page is refused before anybody looks who is there: it does not even extend the session.
  const happened = target.events.slice(heard).map(({ type }) => type);
  expect(happened).toEqual(foreign.map(() => "cross-site-refused"));
  for (const [kind, forge] of [...tokenless, ...otherTypes]) await send(kind, forge);
  for (const [kind, forge] of reading) await send(kind, forge, true);
  for (const token of foreignTokens) {
    expect(token).not.toBe(victim.token);
    await expectNothingHappens(target, victim, `${route}, another's token`, () =>
      victim.post(path, fields, { token }),
    );
  }
}

/** Refused with 403, or 415 for a body of another type; a request that only reads may be answered as it is. */
async function expectNothingHappens(
  target: Target,
  victim: Browser,
  what: string,
  attack: () => Promise<Incoming>,
  isRead = false,
): Promise<Incoming> {
  const rows = target.rows();
  const jar = JSON.stringify([...victim.jar]);
  const token = victim.token;
  const heard = target.events.length;
  const answer = await attack();
  victim.token = token;
  // Whose token it is can't be told without looking who is there, and that look extends the session as any use does.
  const harmless = ["cross-site-refused", "session-extended"];
  const happened = target.events.slice(heard).filter(({ type }) => !harmless.includes(type));
  expect({
    what,
    isRefused: isRead || answer.status === 403 || answer.status === 415,
    setCookies: answer.setCookies,
    isJarTheSame: JSON.stringify([...victim.jar]) === jar,
    areRowsTheSame: target.rows() === rows,
    happened,
    errors: target.errors,
  }).toEqual({
    what,
    isRefused: true,
    setCookies: [],
    isJarTheSame: true,
    areRowsTheSame: true,
    happened: [],
    errors: [],
  });
  return answer;
}

/** The same request from the application's own page does what it is for: something changes. */
async function expectDoes({ target, route, own, victim }: Attempt): Promise<void> {
  const { path, fields } = sampleOf(route, own);
  const rows = target.rows();
  const heard = target.events.length;
  const answer = await victim.post(path, fields);
  const changes =
    target.rows() !== rows ||
    target.events.slice(heard).some(({ type }) => type === "signed-in" || type === "sign-in-ended");
  const isDone = answer.status === 200 || answer.status === 302 || answer.status === 303;
  expect({ route, isDone, changes }).toEqual({ route, isDone: true, changes: true });
}
