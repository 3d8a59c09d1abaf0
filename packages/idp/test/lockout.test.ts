// FusionAuth's lockout, `failedAuthenticationConfiguration`, where a tenant has turned it on.
import { createHash } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import type { IdpConfig } from "../src/index.ts";
import {
  ALICE,
  ALICE_PASSWORD,
  type Answer,
  emptyDatabase,
  login,
  refreshGrant,
  sql,
  startIdp,
  STORE_APP,
  type TestIdp,
} from "./idp.ts";

// Real hashes, also where other tests have cheap ones: what they cost, or what reads them elsewhere, is part of this.
vi.unmock("@node-rs/argon2");

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const ACTION = "0f7f6a35-7a2b-4c0e-9a5c-6f2f1b7f6d10";
const wrong = { password: "not the password" };

// Three, so that it comes before the throttle's waits.
async function withLockout(extra = {}, tenant = {}, config: Partial<IdpConfig> = {}): Promise<TestIdp> {
  const idp = await startIdp(config);
  const failedAuthenticationConfiguration = { userActionId: ACTION, tooManyAttempts: 3, ...extra };
  const { status } = await patchTenant(idp, { failedAuthenticationConfiguration, ...tenant });
  expect(status).toBe(200);
  return idp;
}

async function patchTenant(idp: TestIdp, tenant: object): Promise<Answer> {
  const { body } = await idp.call("GET", "/api/tenant");
  return idp.call("PATCH", `/api/tenant/${body.tenants[0].id}`, { json: { tenant } });
}

async function guess(idp: TestIdp, count: number, extra: object = {}): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < count; index += 1)
    statuses.push((await login(idp, { ...wrong, ...extra })).status);
  return statuses;
}

const on = (name: string): object => ({
  metaData: { data: { deviceId: createHash("sha256").update(name).digest("base64url") } },
});

test("it is off unless a user action is named, as in FusionAuth", async () => {
  const idp = await startIdp();
  await patchTenant(idp, { failedAuthenticationConfiguration: { tooManyAttempts: 1 } });
  expect(await guess(idp, 3)).toEqual([404, 404, 404]);
  expect((await login(idp)).status).toBe(200);
});

test("after so many failures even the right password gets 409 with the action, until it is over (ASVS 6.3.1)", async () => {
  const idp = await withLockout();
  expect(await guess(idp, 4)).toEqual([404, 404, 404, 409]);
  const refused = await login(idp);
  expect(refused.status).toBe(409);
  expect(refused.body).toEqual({
    actions: [
      {
        actionId: ACTION,
        expiry: idp.clock.now + 3 * MINUTE,
        name: "Too many failed sign-ins",
        localizedName: "Too many failed sign-ins",
      },
    ],
  });
  expect(idp.events.filter(({ type }) => type === "password-checked")).toHaveLength(3);
  idp.clock.now += 3 * MINUTE - 1;
  expect((await login(idp)).status).toBe(409);
  idp.clock.now += 1;
  expect((await login(idp)).status).toBe(200);
  expect(await guess(idp, 2)).toEqual([404, 404]);
});

test("FusionAuth's client sees the status and the actions", async () => {
  const idp = await withLockout();
  const client = await idp.client();
  await guess(idp, 3);
  const request = { loginId: "alice@example.com", password: ALICE_PASSWORD, applicationId: STORE_APP };
  await expect(client.login(request)).rejects.toMatchObject({ statusCode: 409 });
});

test("a login id that is nobody's is locked out alike, byte for byte (CWE-203, ASVS 6.3.8)", async () => {
  const seen = async (loginId: string) => {
    const idp = await withLockout();
    const answers: unknown[] = [];
    for (let index = 0; index < 5; index += 1) {
      const { status, text, headers } = await login(idp, { ...wrong, loginId });
      answers.push([status, text, [...headers]]);
    }
    return answers;
  };
  expect(await seen("nobody@example.com")).toEqual(await seen("alice@example.com"));
});

test("after a time without failures they are counted from the start", async () => {
  const idp = await withLockout({ resetCountInSeconds: 10 });
  expect(await guess(idp, 2)).toEqual([404, 404]);
  idp.clock.now += 10 * SECOND;
  expect(await guess(idp, 2)).toEqual([404, 404]);
  idp.clock.now += 10 * SECOND - 1;
  expect(await guess(idp, 2)).toEqual([404, 409]);
});

test("and so they are after a success", async () => {
  const idp = await withLockout();
  for (let round = 0; round < 3; round += 1) {
    expect(await guess(idp, 2)).toEqual([404, 404]);
    expect((await login(idp)).status).toBe(200);
  }
});

test("50 guesses at once: three are looked at, the others are locked out", async () => {
  const idp = await withLockout();
  const answers = await Promise.all(Array.from({ length: 50 }, () => login(idp, wrong)));
  expect(answers.filter(({ status }) => status === 404)).toHaveLength(3);
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(47);
  expect(idp.events.filter(({ type }) => type === "lockout-started")).toHaveLength(1);
});

test("the owner signs in on a known device, which has a lockout of its own", async () => {
  const idp = await withLockout();
  expect((await login(idp, on("Alice's"))).status).toBe(200);
  await guess(idp, 3);
  expect((await login(idp)).status).toBe(409);
  expect((await login(idp, on("Alice's"))).status).toBe(200);
  expect(await guess(idp, 4, on("Alice's"))).toEqual([404, 404, 404, 409]);
  expect((await login(idp, on("Alice's"))).status).toBe(409);
});

describe("what a lockout does to the owner's sign-ins", () => {
  test("nothing: a stranger's guesses sign nobody out", async () => {
    const idp = await withLockout();
    const { body } = await login(idp);
    await guess(idp, 3);
    expect((await login(idp)).status).toBe(409);
    const refreshed = await refreshGrant(idp, body.refreshToken);
    expect(refreshed.status).toBe(200);
  });

  describe("where the tenant itself says onLoginPrevented", () => {
    const revoking = { jwtConfiguration: { refreshTokenRevocationPolicy: { onLoginPrevented: true } } };
    const alive = async (idp: TestIdp): Promise<number> =>
      (await idp.call("GET", `/api/jwt/refresh?userId=${ALICE}`)).body.refreshTokens.length;

    test("it ends them, and with the attempt that begins it", async () => {
      const idp = await withLockout({}, revoking);
      const { body } = await login(idp);
      expect(await guess(idp, 2)).toEqual([404, 404]);
      expect(await alive(idp)).toBe(1);
      await guess(idp, 1);
      await vi.waitFor(async () => expect(await alive(idp)).toBe(0), 10_000);
      expect((await refreshGrant(idp, body.refreshToken)).status).toBe(400);
    });

    test("the answer waits for the same for nobody: one row that says what is owed (CWE-208)", async () => {
      const database = await emptyDatabase();
      const idp = await withLockout({}, revoking, { database });
      await login(idp);
      const owed = () => sql(database, "SELECT user_id FROM owed_revocations");
      for (const loginId of ["alice@example.com", "nobody@example.com"]) {
        expect(await guess(idp, 2, { loginId })).toEqual([404, 404]);
        expect(await owed()).toEqual([]);
        expect(await guess(idp, 1, { loginId })).toEqual([404]);
        expect(await owed()).toEqual([{ user_id: expect.stringMatching(/^[0-9a-f-]{36}$/) }]);
        await vi.waitFor(async () => expect(await owed()).toEqual([]), 10_000);
      }
    });

    test("a process that ends right after its answer owes it to the next one's start", async () => {
      const database = await emptyDatabase();
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      try {
        const idp = await withLockout({}, revoking, { database });
        const { body } = await login(idp);
        await guess(idp, 3);
        expect(await alive(idp)).toBe(1);
        await idp.idp.close();
        const next = await startIdp({ database });
        expect(await alive(next)).toBe(0);
        expect((await refreshGrant(next, body.refreshToken)).status).toBe(400);
      } finally {
        vi.useRealTimers();
      }
    });
  });
});

describe("a change of the password", () => {
  const password = "another fine long phrase";

  test("cancels the lockout where the tenant says so", async () => {
    const idp = await withLockout({ actionCancelPolicy: { onPasswordReset: true } });
    await guess(idp, 3);
    idp.clock.now += 1;
    await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password } } });
    expect((await login(idp, { password })).status).toBe(200);
  });

  test("and not otherwise", async () => {
    const idp = await withLockout();
    await guess(idp, 3);
    idp.clock.now += 1;
    await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password } } });
    expect((await login(idp, { password })).status).toBe(409);
  });
});

describe("the setting", () => {
  test("is shown with FusionAuth's defaults", async () => {
    const idp = await startIdp();
    const { body } = await idp.call("GET", "/api/tenant");
    expect(body.tenants[0].failedAuthenticationConfiguration).toEqual({
      tooManyAttempts: 5,
      resetCountInSeconds: 60,
      actionDuration: 3,
      actionDurationUnit: "MINUTES",
      actionCancelPolicy: { onPasswordReset: false },
    });
  });

  test.each([
    ["tooManyAttempts", 0],
    ["tooManyAttempts", "five"],
    ["resetCountInSeconds", 0],
    ["actionDuration", -1],
    ["actionDuration", 10_001],
    ["actionDurationUnit", "FORTNIGHTS"],
    ["userActionId", "not an id"],
  ])("%s: %s is a 400 that names it", async (member, value) => {
    const idp = await startIdp();
    const before = (await idp.call("GET", "/api/tenant")).text;
    const { status, body } = await patchTenant(idp, {
      failedAuthenticationConfiguration: { [member]: value },
    });
    expect(status).toBe(400);
    expect(Object.keys(body.fieldErrors)).toEqual([`tenant.failedAuthenticationConfiguration.${member}`]);
    expect((await idp.call("GET", "/api/tenant")).text).toBe(before);
  });

  test("counts the longest unit without leaving the calendar", async () => {
    const idp = await withLockout({ actionDuration: 10_000, actionDurationUnit: "YEARS" });
    await guess(idp, 3);
    const { status, body } = await login(idp);
    expect([status, Number.isSafeInteger(body.actions[0].expiry)]).toEqual([409, true]);
  });
});
