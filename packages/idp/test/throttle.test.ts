// How guessing is slowed down (WSTG-ATHN-03, ASVS 6.3.1), as a guesser meets it over HTTP. The rule by itself is
// throttle-rule.test.ts.
import { describe, expect, test, vi } from "vitest";
import {
  ALICE_EMAIL,
  ALICE_PASSWORD,
  type Answer,
  API_KEY,
  emptyDatabase,
  dump,
  login,
  seeded,
  startIdp,
  STORE_APP,
  type TestIdp,
} from "./idp.ts";

// Real hashes, also where other tests have cheap ones: what they cost, or what reads them elsewhere, is part of this.
vi.unmock("@node-rs/argon2");

const SECOND = 1_000;
const HOUR = 3_600_000;
const wrong = { password: "not the password" };

const guess = (idp: TestIdp, extra: object = {}): Promise<Answer> => login(idp, { ...wrong, ...extra });
const hashed = (idp: TestIdp): number => idp.events.filter(({ type }) => type === "password-checked").length;
const address = (index: number): string => `198.51.${index >> 8}.${index & 0xff}`;
const several = <T>(count: number, one: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => one(index)));
const statuses = (answers: Answer[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
async function inTurn(count: number, one: (index: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let index = 0; index < count; index += 1) answers.push(await one(index));
  return answers;
}

describe("per account", () => {
  test("five failures cost nothing, the sixth attempt has to wait and is not hashed, right or wrong (ASVS 6.3.1)", async () => {
    const idp = await startIdp();
    expect(statuses(await inTurn(5, () => guess(idp)))).toEqual({ 404: 5 });
    const refused = await login(idp);
    expect([refused.status, refused.text, refused.headers.get("retry-after")]).toEqual([429, "", "1"]);
    expect(refused.cookies).toEqual([]);
    expect(hashed(idp)).toBe(5);
    idp.clock.now += SECOND - 1;
    expect((await login(idp)).status).toBe(429);
    idp.clock.now += 1;
    expect((await login(idp)).status).toBe(200);
  });

  test("three failures and the right password are no burden on anyone", async () => {
    const idp = await startIdp();
    await inTurn(3, () => guess(idp));
    expect((await login(idp)).status).toBe(200);
  });

  test("of 100 failures each after the fifth has waited twice as long, up to 15 minutes", async () => {
    const idp = await startIdp();
    const waits: number[] = [];
    for (let failures = 0; failures < 100; ) {
      const { status, headers } = await guess(idp, { ipAddress: address(failures) });
      if (status === 404) failures += 1;
      else {
        waits.push(Number(headers.get("retry-after")));
        idp.clock.now += Number(headers.get("retry-after")) * SECOND;
      }
    }
    expect(waits.slice(0, 11)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
    expect(new Set(waits.slice(10))).toEqual(new Set([900]));
    expect(waits).toHaveLength(95);
  });

  test("a login id that is nobody's is treated the same in every answer (CWE-203, ASVS 6.3.8)", async () => {
    const seen = async (loginId: string) => {
      const idp = await startIdp();
      const answers = await inTurn(8, () => guess(idp, { loginId }));
      return answers.map(({ status, text, headers }) => [status, text, [...headers]]);
    };
    expect(await seen("nobody@example.com")).toEqual(await seen(ALICE_EMAIL));
  });

  test("many addresses against one account get no further than one", async () => {
    const idp = await startIdp();
    const answers = await inTurn(100, (index) => guess(idp, { ipAddress: address(index) }));
    expect(statuses(answers)).toEqual({ 404: 5, 429: 95 });
    expect(hashed(idp)).toBe(5);
  });

  test("50 guesses at once get no further than 50 in turn (ASVS 6.3.1)", async () => {
    const idp = await startIdp();
    const answers = await several(50, (index) => guess(idp, { ipAddress: address(index) }));
    expect(statuses(answers)).toEqual({ 404: 5, 429: 45 });
    expect(hashed(idp)).toBe(5);
    // Nor with another 50 after the wait.
    idp.clock.now += SECOND;
    expect(statuses(await several(50, () => guess(idp)))).toEqual({ 404: 1, 429: 49 });
  });

  test("nor with two processes on one database, nor across a restart", async () => {
    const database = await emptyDatabase();
    const first = await startIdp({ database });
    const second = await startIdp({ database });
    const answers = await inTurn(20, (index) => guess(index % 2 === 0 ? first : second));
    expect(statuses(answers)).toEqual({ 404: 5, 429: 15 });
    await first.close();
    await second.close();
    const third = await startIdp({ database });
    expect((await login(third)).status).toBe(429);
  });

  test("spelling the path or the login id otherwise is no way around it", async () => {
    const idp = await startIdp();
    const json = { loginId: ALICE_EMAIL, applicationId: STORE_APP, ...wrong };
    const paths = ["/api/login", "//api/login", "/api/login/", "/api//login", "/api/login?x=1"];
    for (const path of paths) expect((await idp.call("POST", path, { json })).status).toBe(404);
    for (const path of paths) expect((await idp.call("POST", path, { json })).status).toBe(429);
    for (const loginId of ["ALICE@example.com", "Alice@Example.Com"])
      expect((await guess(idp, { loginId })).status).toBe(429);
    expect((await guess(idp, { applicationId: undefined })).status).toBe(429);
    expect((await guess(idp, { noJWT: true, loginIdTypes: ["email"] })).status).toBe(429);
  });

  test("the right password forgets the failures before it", async () => {
    const idp = await startIdp();
    for (let round = 0; round < 5; round += 1) {
      await inTurn(4, (index) => guess(idp, { ipAddress: address(round * 4 + index) }));
      expect((await login(idp)).status).toBe(200);
    }
    expect(statuses(await inTurn(6, () => guess(idp)))).toEqual({ 404: 5, 429: 1 });
  });

  test("what could not be hashed was no guess", async () => {
    const idp = await startIdp({ hashing: { concurrency: 1, queue: 0 } });
    for (let round = 0; round < 3; round += 1) {
      const answers = await several(4, () => login(idp));
      const { 200: hashed = 0, 503: busy = 0 } = statuses(answers);
      // How many find the hasher free depends on how long the database takes for each.
      expect({ some: hashed > 0 && busy > 0, all: hashed + busy }).toEqual({ some: true, all: 4 });
    }
    expect(statuses(await inTurn(6, () => guess(idp)))).toEqual({ 404: 5, 429: 1 });
  });

  test("a guess at one account delays nobody else", async () => {
    const idp = await startIdp();
    await inTurn(10, () => guess(idp, { loginId: "nobody@example.com" }));
    expect((await login(idp)).status).toBe(200);
  });
});

describe("per address", () => {
  const from = (idp: TestIdp, ipAddress: string, index: number): Promise<Answer> =>
    guess(idp, { loginId: `user${index}@example.com`, ipAddress });

  test("one address against many accounts has 20 guesses, then waits; others don't (ASVS 6.3.1)", async () => {
    const idp = await startIdp();
    const answers = await inTurn(100, (index) => from(idp, "203.0.113.7", index));
    expect(statuses(answers)).toEqual({ 404: 20, 429: 80 });
    expect(hashed(idp)).toBe(20);
    expect((await login(idp, { ipAddress: "203.0.113.7" })).status).toBe(429);
    expect((await login(idp, { ipAddress: "203.0.113.8" })).status).toBe(200);
  });

  test("50 at once get no more", async () => {
    const idp = await startIdp();
    const answers = await several(50, (index) => from(idp, "203.0.113.7", index));
    expect(statuses(answers)).toEqual({ 404: 20, 429: 30 });
  });

  test("a /64 of IPv6 is one address, the next one another; IPv4 written as IPv6 is IPv4", async () => {
    const idp = await startIdp();
    await inTurn(20, (index) => from(idp, `2001:db8:1:2::${index.toString(16)}`, index));
    expect((await from(idp, "2001:db8:1:2:ffff:ffff:ffff:ffff", 99)).status).toBe(429);
    expect((await from(idp, "2001:db8:1:3::1", 99)).status).toBe(404);
    await inTurn(20, (index) => from(idp, "203.0.113.7", index));
    expect((await from(idp, "::ffff:203.0.113.7", 98)).status).toBe(429);
    expect((await from(idp, "::FFFF:cb00:7107", 98)).status).toBe(429);
    expect((await from(idp, "::ffff:203.0.113.8", 98)).status).toBe(404);
  });

  test("an own account between the guesses forgives none of them", async () => {
    const idp = await startIdp();
    const mallory = { loginId: "alice", ipAddress: "203.0.113.7" };
    for (let index = 0; index < 20; index += 1) {
      expect((await from(idp, "203.0.113.7", index)).status).toBe(404);
      expect((await login(idp, mallory)).status).toBe(index < 19 ? 200 : 429);
    }
    expect((await from(idp, "203.0.113.7", 20)).status).toBe(429);
  });

  test("an office that signs in and mistypes now and then is not held up", async () => {
    const idp = await startIdp();
    for (let index = 0; index < 60; index += 1) {
      expect((await from(idp, "203.0.113.7", index)).status).toBe(404);
      expect((await login(idp, { ipAddress: "203.0.113.7" })).status).toBe(200);
      idp.clock.now += 3 * 60 * SECOND;
    }
  });

  test("without a key only the connection's address counts, whatever the header says", async () => {
    const loginConfiguration = { requireAuthentication: false };
    const idp = await startIdp({ kickstart: seeded({ store: { loginConfiguration } }) });
    const connected = async (index: number, from: string): Promise<number> => {
      const request = new Request("http://idp.test/api/login", {
        method: "POST",
        headers: { "content-type": "application/json", "x-forwarded-for": address(index) },
        body: JSON.stringify({
          loginId: `user${index}`,
          password: "guess",
          applicationId: STORE_APP,
          ipAddress: address(index),
        }),
      });
      return (await idp.idp.fetch(request, { address: from })).status;
    };
    for (let index = 0; index < 20; index += 1) expect(await connected(index, "203.0.113.7")).toBe(404);
    expect(await connected(20, "203.0.113.7")).toBe(429);
    expect(await connected(21, "203.0.113.8")).toBe(404);
  });

  test("an application's own address is never its users'; what it forwards is", async () => {
    const idp = await startIdp();
    const calling = async (index: number, headers: Record<string, string>): Promise<number> => {
      const request = new Request("http://idp.test/api/login", {
        method: "POST",
        headers: { authorization: API_KEY, "content-type": "application/json", ...headers },
        body: JSON.stringify({ loginId: `user${index}`, password: "guess", applicationId: STORE_APP }),
      });
      return (await idp.idp.fetch(request, { address: "10.0.0.1" })).status;
    };
    for (let index = 0; index < 30; index += 1) expect(await calling(index, {})).toBe(404);
    const forwarded = { "x-forwarded-for": "203.0.113.7, 10.0.0.9" };
    for (let index = 0; index < 20; index += 1) expect(await calling(index, forwarded)).toBe(404);
    expect(await calling(99, { "x-forwarded-for": "203.0.113.7" })).toBe(429);
  });
});

test("one address has half of the places for hashing; the other half is everybody else's (ASVS 2.4.1)", async () => {
  // All of them must arrive before the first is done, at whatever pace another database answers.
  const idp = await startIdp({ database: ":memory:", hashing: { concurrency: 1, queue: 9 } });
  const flood = several(20, (index) => guess(idp, { loginId: `user${index}`, ipAddress: "2001:db8::1" }));
  const others = several(5, (index) => guess(idp, { loginId: `other${index}`, ipAddress: address(index) }));
  expect(statuses(await flood)).toEqual({ 404: 5, 503: 15 });
  expect(statuses(await others)).toEqual({ 404: 5 });
  // The places are given back.
  expect((await login(idp, { ipAddress: "2001:db8::1" })).status).toBe(200);
});

test("nor does who changes his password over and over get more than that half", async () => {
  const idp = await startIdp({ hashing: { concurrency: 1, queue: 3 } });
  const proof = { loginId: ALICE_EMAIL, currentPassword: ALICE_PASSWORD, password: ALICE_PASSWORD };
  const json = { ...proof, ipAddress: "2001:db8::1" };
  await several(6, async () => {
    for (let tries = 0; tries < 40; tries += 1) {
      const { status } = await idp.call("POST", "/api/user/change-password", { json });
      if (status === 429) idp.clock.now += SECOND;
    }
  });
  const refused = idp.events.filter((event) => event.type === "password-hashing-refused");
  expect(refused.length).toBeGreaterThan(0);
  // Two of four at most: one is being hashed and one waits.
  expect(Math.max(...refused.map(({ waiting }) => waiting))).toBeLessThan(2);
});

test("the database says of nobody who tried or from where, and forgets it", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  try {
    const database = await emptyDatabase();
    const idp = await startIdp({ database });
    const before = await dump(database);
    await guess(idp, { loginId: "typed into the wrong field", ipAddress: "203.0.113.77" });
    const kept = await dump(database);
    expect(kept).not.toBe(before);
    expect(kept).not.toMatch(/typed into|203\.0\.113/);
    // A minute that passes is one for a query's own deadline too, so that the next comes only when a sweep has had its time.
    const sweptUntil = async (settled: (now: string) => boolean): Promise<string> => {
      for (let minutes = 0; minutes < 5; minutes += 1) {
        await vi.advanceTimersByTimeAsync(60_000);
        for (const since = performance.now(); performance.now() - since < 3_000; ) {
          const now = await dump(database);
          if (settled(now)) return now;
        }
      }
      return await dump(database);
    };
    // What counted for the login id is forgotten before the hour, what counted for the address is not.
    idp.clock.now += HOUR - 1;
    const left = await sweptUntil((now) => now !== kept);
    expect(left).not.toBe(kept);
    expect(left).not.toBe(before);
    idp.clock.now += 1;
    expect(await sweptUntil((now) => now === before)).toBe(before);
  } finally {
    vi.useRealTimers();
  }
});

test("a refused attempt is an event without login id or address", async () => {
  const idp = await startIdp();
  await inTurn(6, () => guess(idp, { loginId: "nobody@example.com", ipAddress: "203.0.113.7" }));
  const last = idp.events.findLast(({ type }) => type === "login-failed");
  expect(last).toMatchObject({ reason: "throttled", userId: null });
  expect(JSON.stringify(idp.events)).not.toMatch(/nobody@|203\.0\.113/);
});
