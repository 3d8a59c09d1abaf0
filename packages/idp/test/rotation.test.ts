// The one thing this package must get right: of any number of uses of one refresh token, exactly one rotates it.
import { expect, test } from "vitest";
import {
  ALICE,
  claimsOf,
  copyOf,
  emptyDatabase,
  KEYS,
  login,
  refreshGrant,
  seeded,
  startIdp,
  STORE_APP,
  type TestIdp,
} from "./idp.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

function types(idp: TestIdp): string[] {
  return idp.events.map(({ type }) => type).filter((type) => /^refresh-tokens?-/.test(type));
}

test("of 50 parallel refreshes with one token one rotates, and all get the identical successor (ASVS 10.4.5, 15.4.2)", async () => {
  const idp = await startIdp({ database: await emptyDatabase() });
  const { body: first } = await login(idp);
  const answers = await Promise.all(Array.from({ length: 50 }, () => refreshGrant(idp, first.refreshToken)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
  const successors = new Set(answers.map(({ body }) => body.refresh_token));
  expect(successors.size).toBe(1);
  expect(successors.has(first.refreshToken)).toBe(false);
  expect(types(idp).filter((type) => type === "refresh-token-rotated")).toHaveLength(1);
  expect(types(idp).filter((type) => type === "refresh-token-repeated")).toHaveLength(49);
  const [successor] = successors;
  expect((await refreshGrant(idp, successor ?? "")).status).toBe(200);
});

test("with no grace at all, 50 parallel refreshes give one answer and end the family", async () => {
  const jwtConfiguration = {
    enabled: true,
    refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 0 },
  };
  const idp = await startIdp({ kickstart: seeded({ store: { jwtConfiguration } }) });
  const { body: first } = await login(idp);
  const answers = await Promise.all(Array.from({ length: 50 }, () => refreshGrant(idp, first.refreshToken)));
  const good = answers.filter(({ status }) => status === 200);
  expect(good).toHaveLength(1);
  expect((await refreshGrant(idp, good[0]?.body.refresh_token)).body.error).toBe("invalid_grant");
});

test("inside the grace the predecessor gets the same successor again; at its end it is reuse", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const second = await refreshGrant(idp, first.refreshToken);
  idp.clock.now += 10 * SECOND - 1;
  const again = await refreshGrant(idp, first.refreshToken);
  expect(again.body.refresh_token).toBe(second.body.refresh_token);
  idp.clock.now += 1;
  const late = await refreshGrant(idp, first.refreshToken);
  expect([late.status, late.body.error]).toEqual([400, "invalid_grant"]);
  expect((await refreshGrant(idp, second.body.refresh_token)).body.error).toBe("invalid_grant");
  expect(idp.events.find(({ type }) => type === "refresh-token-reused")).toMatchObject({
    presented: 1,
    current: 2,
    familyRevoked: true,
    userId: ALICE,
    applicationId: STORE_APP,
    refreshTokenId: first.refreshTokenId,
  });
});

test("the grace belongs to the predecessor only: an older token ends the family at once", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const second = await refreshGrant(idp, first.refreshToken);
  const third = await refreshGrant(idp, second.body.refresh_token);
  expect((await refreshGrant(idp, first.refreshToken)).status).toBe(400);
  expect((await refreshGrant(idp, third.body.refresh_token)).status).toBe(400);
});

test("reuse ends that family only", async () => {
  const idp = await startIdp();
  const { body: phone } = await login(idp);
  const { body: laptop } = await login(idp);
  await refreshGrant(idp, phone.refreshToken);
  idp.clock.now += MINUTE;
  expect((await refreshGrant(idp, phone.refreshToken)).status).toBe(400);
  expect((await refreshGrant(idp, laptop.refreshToken)).status).toBe(200);
});

test("reuse is recognised after a restart (CVE-2026-9802 class), and an ended family stays ended (ASVS 10.4.5)", async () => {
  const database = await emptyDatabase();
  const before = await startIdp({ database });
  const { body: first } = await login(before);
  const second = await refreshGrant(before, first.refreshToken);
  await before.idp.close();

  const between = await startIdp({ database });
  between.clock.now += MINUTE;
  expect((await refreshGrant(between, first.refreshToken)).status).toBe(400);
  await between.idp.close();

  const after = await startIdp({ database });
  after.clock.now += MINUTE;
  expect((await refreshGrant(after, second.body.refresh_token)).body.error).toBe("invalid_grant");
});

test("where the tenant says so, reuse is refused but does not end the family", async () => {
  const refreshTokenRevocationPolicy = { onOneTimeTokenReuse: false };
  const jwtConfiguration = { enabled: true, refreshTokenRevocationPolicy };
  const idp = await startIdp({ kickstart: seeded({ store: { jwtConfiguration } }) });
  const { body: first } = await login(idp);
  const second = await refreshGrant(idp, first.refreshToken);
  idp.clock.now += MINUTE;
  expect((await refreshGrant(idp, first.refreshToken)).status).toBe(400);
  expect((await refreshGrant(idp, second.body.refresh_token)).status).toBe(200);
});

test("after the database went back in time, owners go on from the token they hold", async () => {
  const database = await emptyDatabase();
  const before = await startIdp({ database });
  const { body: first } = await login(before);
  await before.idp.close();
  const backup = await copyOf(database);

  const lost = await startIdp({ database });
  const second = await refreshGrant(lost, first.refreshToken);
  const third = await refreshGrant(lost, second.body.refresh_token);
  await lost.idp.close();

  const restored = await startIdp({ database: backup });
  const fourth = await refreshGrant(restored, third.body.refresh_token);
  expect(fourth.status).toBe(200);
  expect(types(restored)).toContain("refresh-token-went-forward");
  expect((await refreshGrant(restored, fourth.body.refresh_token)).status).toBe(200);
  // What is older than the token that was shown is as old as ever.
  expect((await refreshGrant(restored, second.body.refresh_token)).status).toBe(400);
});

test("keys roll: an old key's token is exchanged for the new key's, then the old key can go (ASVS 11.2.2)", async () => {
  const database = await emptyDatabase();
  const added = { id: "k2", secret: "another-secret-of-32-bytes-or-more-for-tests" };
  const before = await startIdp({ database });
  const { body: first } = await login(before);
  await before.idp.close();

  const rolling = await startIdp({ database, keys: [added, ...KEYS] });
  const second = await refreshGrant(rolling, first.refreshToken);
  const repeated = await refreshGrant(rolling, first.refreshToken);
  expect(repeated.body.refresh_token).toBe(second.body.refresh_token);
  await rolling.idp.close();

  const after = await startIdp({ database, keys: [added] });
  expect((await refreshGrant(after, second.body.refresh_token)).status).toBe(200);
  const gone = await refreshGrant(after, first.refreshToken);
  expect([gone.status, gone.body.error]).toEqual([400, "invalid_grant"]);
  // An operator who took the key away too early can tell that from forgery.
  const refusal = {
    type: "refresh-token-refused",
    reason: "unknown-key",
    refreshTokenId: first.refreshTokenId,
  };
  expect(after.events).toContainEqual({ at: after.clock.now, ...refusal });
});

test("a key that something is still sealed under can't leave the ring unnoticed", async () => {
  const database = await emptyDatabase();
  await (await startIdp({ database })).idp.close();
  const other = [{ id: "k1", secret: "a-wrong-secret-of-32-bytes-or-more-for-tests" }];
  await expect(startIdp({ database, keys: other })).rejects.toMatchObject({ code: "cannot-unseal" });
});

test("a sliding window is extended by use, up to the maximum and no further", async () => {
  const jwtConfiguration = {
    enabled: true,
    refreshTokenTimeToLiveInMinutes: 0.05,
    refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: 0.1 },
  };
  const idp = await startIdp({ kickstart: seeded({ store: { jwtConfiguration } }) });
  let { refreshToken } = (await login(idp)).body;
  for (const pause of [2, 2, 1.999]) {
    idp.clock.now += pause * SECOND;
    const { status, body } = await refreshGrant(idp, refreshToken);
    expect(status).toBe(200);
    refreshToken = body.refresh_token;
  }
  idp.clock.now += 1;
  expect((await refreshGrant(idp, refreshToken)).status).toBe(400);
});

test("no access token outlives the refresh tokens' absolute end (ASVS 10.4.8)", async () => {
  const jwtConfiguration = {
    enabled: true,
    timeToLiveInSeconds: 45,
    refreshTokenTimeToLiveInMinutes: 1,
    refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: 1 },
  };
  const idp = await startIdp({ kickstart: seeded({ store: { jwtConfiguration } }) });
  const { body: first } = await login(idp);
  const end = claimsOf(first.token).auth_time + 60;
  expect(claimsOf(first.token).exp).toBe(end - 15);
  idp.clock.now += 40 * SECOND;
  const granted = await refreshGrant(idp, first.refreshToken);
  expect([claimsOf(granted.body.access_token).exp, granted.body.expires_in]).toEqual([end, 20]);
  const json = { refreshToken: granted.body.refresh_token };
  const exchanged = await idp.call("POST", "/api/jwt/refresh", { key: null, json });
  expect(claimsOf(exchanged.body.token).exp).toBe(end);
  expect(exchanged.body.tokenExpirationInstant).toBe(end * SECOND);
  // A token that was just signed in with lives no longer either.
  const settings = { jwtConfiguration: { ...jwtConfiguration, timeToLiveInSeconds: 3_600 } };
  await idp.call("PATCH", `/api/application/${STORE_APP}`, { json: { application: settings } });
  const { exp, auth_time } = claimsOf((await login(idp)).body.token);
  expect(exp - auth_time).toBe(60);
});

test("where the window only slides, each use moves the end of the access token too", async () => {
  const jwtConfiguration = {
    enabled: true,
    refreshTokenExpirationPolicy: "SlidingWindow",
    refreshTokenTimeToLiveInMinutes: 1,
  };
  const idp = await startIdp({ kickstart: seeded({ store: { jwtConfiguration } }) });
  const { body: first } = await login(idp);
  idp.clock.now += 40 * SECOND;
  const { body } = await refreshGrant(idp, first.refreshToken);
  expect(body.expires_in).toBe(60);
});

test("a fixed life is not extended, and idling past the window ends a sliding one", async () => {
  for (const refreshTokenExpirationPolicy of ["Fixed", "SlidingWindow"]) {
    const jwtConfiguration = {
      enabled: true,
      refreshTokenExpirationPolicy,
      refreshTokenTimeToLiveInMinutes: 1,
    };
    const idp = await startIdp({ kickstart: seeded({ store: { jwtConfiguration } }) });
    const { body: first } = await login(idp);
    idp.clock.now += 40 * SECOND;
    const second = await refreshGrant(idp, first.refreshToken);
    idp.clock.now += 40 * SECOND;
    const third = await refreshGrant(idp, second.body.refresh_token);
    expect(third.status).toBe(refreshTokenExpirationPolicy === "Fixed" ? 400 : 200);
    if (third.status === 400) continue;
    idp.clock.now += MINUTE;
    expect((await refreshGrant(idp, third.body.refresh_token)).status).toBe(400);
  }
});

test("a deactivation during 20 refreshes leaves nobody with a good token", async () => {
  const idp = await startIdp({ database: await emptyDatabase() });
  const tokens: string[] = [];
  for (let count = 0; count < 20; count += 1) tokens.push((await login(idp)).body.refreshToken);
  const [, ...answers] = await Promise.all([
    idp.call("DELETE", `/api/user/${ALICE}`),
    ...tokens.map((token) => refreshGrant(idp, token)),
  ]);
  await idp.call("PUT", `/api/user/${ALICE}?reactivate=true`);
  const successors = answers.flatMap(({ body }) => body.refresh_token ?? []);
  const after = await Promise.all([...tokens, ...successors].map((token) => refreshGrant(idp, token)));
  expect(new Set(after.map(({ status }) => status))).toEqual(new Set([400]));
});
