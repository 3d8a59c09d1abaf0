import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { COMMON_PASSWORDS } from "../src/common-passwords.ts";
import { passwordFault, passwordRules } from "../src/password-rules.ts";
import {
  ALICE,
  ALICE_PASSWORD,
  emptyDatabase,
  dump,
  login,
  startIdp,
  STORE_APP,
  type TestIdp,
} from "./idp.ts";

// Real hashes, also where other tests have cheap ones: what they cost, or what reads them elsewhere, is part of this.
vi.unmock("@node-rs/argon2");

const tenant = {
  id: "t",
  name: "T",
  isDefault: true,
  settings: {},
  version: 1,
  insertInstant: 0,
  lastUpdateInstant: 0,
};
const RULES = passwordRules(tenant);
const nobody = { email: null, username: null };

async function setPassword(idp: TestIdp, password: string): Promise<string> {
  const { status, body } = await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password } } });
  return status === 200 ? "taken" : body.fieldErrors["user.password"][0].code;
}

describe("what is verified is exactly what was received (ASVS 6.2.8)", () => {
  const long = `${"x".repeat(60)} and what comes after the 72nd byte counts`;
  const cases: [string, string, string][] = [
    ["a space at the end", "with a space at the end ", "with a space at the end"],
    ["a space at the start", " with a space at the start", "with a space at the start"],
    ["the case of a letter", "with a Capital letter", "with a capital letter"],
    ["the 73rd byte", long, `${long.slice(0, 72)}X${long.slice(73)}`],
    ["a character outside the BMP", "with an emoji 🔑 in it", "with an emoji 🔒 in it"],
    ["a NUL and what follows it", "before\0after the nul", "before\0other the nul"],
  ];
  test.each(cases)("%s", async (_, password, other) => {
    const idp = await startIdp();
    expect(await setPassword(idp, password)).toBe("taken");
    expect((await login(idp, { password: other })).status).toBe(404);
    expect((await login(idp, { password })).status).toBe(200);
  });

  test("but two Unicode spellings of one text are one password (NIST SP 800-63B-4 §3.1.1.2)", async () => {
    const idp = await startIdp();
    expect(await setPassword(idp, "un café très long".normalize("NFC"))).toBe("taken");
    expect((await login(idp, { password: "un café très long".normalize("NFD") })).status).toBe(200);
  });
});

describe("rules", () => {
  test("length and nothing else: any 15 characters that are not common will do (ASVS 6.2.5)", async () => {
    const idp = await startIdp();
    for (const password of [
      "qxmvtrplkwyzbnd",
      "482915730648219",
      "               x",
      "ключ от дома 12",
      "🔑🔒🔓🗝🔐🚪🏠🛏🪟🧱",
    ]) {
      expect(await setPassword(idp, password)).toBe("taken");
      expect((await login(idp, { password })).status).toBe(200);
    }
  });

  test("64 and 256 characters are possible, 257 are too many (ASVS 6.2.1, 6.2.9)", async () => {
    const idp = await startIdp();
    for (const length of [64, 256]) {
      const password = "q7".repeat(length / 2);
      expect(await setPassword(idp, password)).toBe("taken");
      expect((await login(idp, { password })).status).toBe(200);
    }
    expect(await setPassword(idp, "q7".repeat(128).concat("x"))).toBe("[tooLong]user.password");
    expect(await setPassword(idp, "q7x9z2k")).toBe("[tooShort]user.password");
  });

  test("the most used passwords are refused in any case, at least 3,000 of them (ASVS 6.2.4)", () => {
    expect(COMMON_PASSWORDS.size).toBeGreaterThanOrEqual(3_000);
    for (const common of COMMON_PASSWORDS) {
      expect(common.length).toBeGreaterThanOrEqual(8);
      expect(passwordFault(RULES, common, nobody)).toBe("breachedCommonPassword");
      expect(passwordFault(RULES, common.toUpperCase(), nobody)).toBe("breachedCommonPassword");
    }
  });

  test("little more than the login id is refused, the login id in a long phrase is not (ASVS 6.2.11)", () => {
    const owner = { email: "alice.liddell@example.com", username: "wonder" };
    expect(passwordFault(RULES, "alice.liddell", owner)).toBe("containsEmail");
    expect(passwordFault(RULES, "Alice.Liddell2026", owner)).toBe("containsEmail");
    expect(passwordFault(RULES, "alice.liddell@example.com", owner)).toBe("containsEmail");
    expect(passwordFault(RULES, "wonder1234", owner)).toBe("containsUsername");
    expect(passwordFault(RULES, "wonderwonderwonder", owner)).toBe("containsUsername");
    expect(passwordFault(RULES, "wonderful weather in spring", owner)).toBeNull();
  });

  test("a tenant can ask for more", async () => {
    const idp = await startIdp();
    const { body } = await idp.call("GET", "/api/tenant");
    const passwordValidationRules = {
      minLength: 15,
      requireMixedCase: true,
      requireNonAlpha: true,
      requireNumber: true,
    };
    await idp.call("PATCH", `/api/tenant/${body.tenants[0].id}`, {
      json: { tenant: { passwordValidationRules } },
    });
    expect(await setPassword(idp, "q7x9z2kQ!wv4Zt")).toBe("[tooShort]user.password");
    expect(await setPassword(idp, "lower case only 1")).toBe("[singleCase]user.password");
    expect(await setPassword(idp, "LettersAndNothingElse")).toBe("[onlyAlpha]user.password");
    expect(await setPassword(idp, "Letters And Spaces")).toBe("[requireNumber]user.password");
    expect(await setPassword(idp, "Letters And 1 Number")).toBe("taken");
  });

  test("no text makes the rules throw", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), fc.string(), (password, email, username) => {
        const fault = passwordFault(RULES, password, { email, username });
        expect(fault === null || /^[a-zA-Z]+$/.test(fault)).toBe(true);
      }),
    );
  });
});

describe("hashing", () => {
  test("the database holds argon2id with today's parameters and no password (ASVS 11.4.2)", async () => {
    const database = await emptyDatabase();
    await startIdp({ database });
    expect(await dump(database)).toContain("$argon2id$v=19$m=19456,t=2,p=1$");
    expect(await dump(database)).not.toContain(ALICE_PASSWORD);
  });

  test("beyond the bound callers hear 503 at once, and everyone else is answered", async () => {
    const concurrency = 2;
    const queue = 4;
    const idp = await startIdp({ hashing: { concurrency, queue } });
    // A login id each: of so many at once for one account the throttle would let few through to be hashed.
    const attempts = Array.from({ length: 200 }, (_, index) => login(idp, { loginId: `nobody${index}` }));
    const statuses = (await Promise.all(attempts)).map(({ status, headers }) => [
      status,
      headers.get("retry-after"),
    ]);
    const answered = statuses.filter(([status]) => status === 404);
    const refused = statuses.filter(([status]) => status === 503);
    expect(answered.length + refused.length).toBe(200);
    expect(answered.length).toBeGreaterThanOrEqual(concurrency + queue);
    expect(refused.every(([, retryAfter]) => retryAfter === "1")).toBe(true);
    const refusals = idp.events.filter(({ type }) => type === "password-hashing-refused");
    expect(refusals).toHaveLength(refused.length);
    expect(
      refusals.every((event) => "running" in event && event.running <= concurrency && event.waiting <= queue),
    ).toBe(true);
    expect((await login(idp)).status).toBe(200);
  });

  test("one too many: with a queue of n, n + concurrency are answered and the next is refused", async () => {
    // All of them must arrive before the first is done, at whatever pace another database answers.
    const idp = await startIdp({ database: ":memory:", hashing: { concurrency: 1, queue: 3 } });
    const attempts = await Promise.all(Array.from({ length: 5 }, () => login(idp, { noJWT: true })));
    expect(attempts.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 503]);
  });

  test("a flood of sign-ins does not take the memory (ASVS 2.4.1)", async () => {
    const idp = await startIdp({ hashing: { concurrency: 2, queue: 8 } });
    await login(idp);
    const before = process.memoryUsage.rss();
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => login(idp, { loginId: `nobody${index}` })));
    // A thousand at once would take 19 MiB each.
    expect(process.memoryUsage.rss() - before).toBeLessThan(400 * 1024 * 1024);
  });

  test("a full queue is 503 for new passwords too, and nothing is stored", async () => {
    const database = await emptyDatabase();
    const idp = await startIdp({ database, hashing: { concurrency: 1, queue: 0 } });
    const user = (index: number) => ({
      user: { email: `user${index}@example.com`, password: "a fine long phrase" },
    });
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => idp.call("POST", "/api/user", { json: user(index) })),
    );
    const created = answers.filter(({ status }) => status === 200).length;
    expect(answers.filter(({ status }) => status === 503)).toHaveLength(6 - created);
    expect((await dump(database)).match(/user\d@example\.com/g)).toHaveLength(created);
  });

  test("an unknown user, one without a password and a wrong password all run the KDF", async () => {
    const idp = await startIdp();
    await idp.call("POST", "/api/user", { json: { user: { username: "nopass" } } });
    for (const loginId of ["nobody", "nopass", "alice"]) {
      await login(idp, { loginId, password: "wrong", applicationId: STORE_APP });
    }
    expect(idp.events.filter(({ type }) => type === "password-checked")).toHaveLength(3);
  });
});
