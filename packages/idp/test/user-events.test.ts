// What applications are told when something happens to a user, over real webhooks: which events, in which form, and that none is
// told of what was undone, or holds what opens anything.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import {
  ALICE,
  ALICE_EMAIL,
  ALICE_PASSWORD,
  dump,
  emptyDatabase,
  FORUM_APP,
  login,
  refreshGrant,
  refusing,
  startIdp,
  STORE_APP,
  type TestIdp,
} from "./idp.ts";
import { arrived, EVERY_TYPE, startReceiver, subscribe, told, verified } from "./receiver.ts";

const DEVICE = {
  metaData: { device: { name: "Firefox on Linux", type: "BROWSER" } },
  ipAddress: "203.0.113.7",
};
const NOBODY = "00000000-0000-4000-8000-000000000000";

describe("revocation has FusionAuth's three shapes", () => {
  test("one token: whose it is, on which device, in which application, and never its value (ASVS 7.4.1)", async () => {
    const { idp, receiver } = await told();
    const { body } = await login(idp, DEVICE);
    await idp.call("POST", "/api/logout", { key: null, json: { refreshToken: body.refreshToken } });
    const [event, ...more] = await arrived(idp, receiver);
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      type: "jwt.refresh-token.revoke",
      createInstant: idp.clock.now,
      applicationId: STORE_APP,
      userId: ALICE,
      user: { id: ALICE, email: ALICE_EMAIL, active: true },
      refreshToken: { id: body.refreshTokenId, applicationId: STORE_APP, userId: ALICE },
      applicationTimeToLiveInSeconds: { [STORE_APP]: 3_600 },
      info: { ipAddress: "203.0.113.7", deviceName: "Firefox on Linux", data: { reason: "logout" } },
    });
    expect(event.refreshToken).not.toHaveProperty("token");
  });

  test("a user: no token and no application, but the lifetimes of all", async () => {
    const { idp, receiver } = await told();
    await login(idp);
    await idp.call("DELETE", `/api/jwt/refresh?userId=${ALICE}`);
    const [event, ...more] = await arrived(idp, receiver);
    expect(more).toEqual([]);
    expect(Object.keys(event)).not.toContain("refreshToken");
    expect(Object.keys(event)).not.toContain("applicationId");
    expect(event).toMatchObject({
      userId: ALICE,
      user: { id: ALICE },
      applicationTimeToLiveInSeconds: { [STORE_APP]: 3_600, [FORUM_APP]: 3_600 },
      info: { data: { reason: "api" } },
    });
  });

  test("a user in one application: that application alone", async () => {
    const { idp, receiver } = await told();
    await idp.call("DELETE", `/api/jwt/refresh?userId=${ALICE}&applicationId=${FORUM_APP}`);
    const [event] = await arrived(idp, receiver);
    expect(event).toMatchObject({ userId: ALICE, applicationId: FORUM_APP });
    expect(event.applicationTimeToLiveInSeconds).toEqual({ [FORUM_APP]: 3_600 });
    expect(event.refreshToken).toBeUndefined();
  });

  test("an application: no user", async () => {
    const { idp, receiver } = await told();
    await idp.call("DELETE", `/api/jwt/refresh?applicationId=${STORE_APP}`);
    await idp.call("DELETE", `/api/application/${STORE_APP}`);
    await idp.call("DELETE", `/api/application/${STORE_APP}?hardDelete=true`);
    const events = await arrived(idp, receiver);
    expect(events.map(({ info }) => info.data.reason)).toEqual([
      "api",
      "application-deactivated",
      "application-deleted",
    ]);
    for (const event of events) {
      expect(event).toMatchObject({ type: "jwt.refresh-token.revoke", applicationId: STORE_APP });
      expect([event.userId, event.user, event.refreshToken]).toEqual([undefined, undefined, undefined]);
    }
  });
});

describe("every ending is told", () => {
  const endings: [string, (idp: TestIdp) => Promise<unknown>, string[]][] = [
    ["sign-out everywhere", async (idp) => logoutEverywhere(idp), ["jwt.refresh-token.revoke"]],
    [
      "deactivation (ASVS 7.4.2)",
      (idp) => idp.call("DELETE", `/api/user/${ALICE}`),
      ["user.deactivate", "jwt.refresh-token.revoke"],
    ],
    [
      "deletion (ASVS 7.4.2)",
      (idp) => idp.call("DELETE", `/api/user/${ALICE}?hardDelete=true`),
      ["user.delete", "jwt.refresh-token.revoke"],
    ],
    [
      "a password by PATCH (ASVS 7.4.3)",
      (idp) => idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password: newPassword } } }),
      ["user.password.update", "jwt.refresh-token.revoke"],
    ],
    [
      "a password by PUT (ASVS 7.4.3)",
      (idp) => {
        const user = { email: ALICE_EMAIL, username: "alice", password: newPassword };
        return idp.call("PUT", `/api/user/${ALICE}`, { json: { user } });
      },
      ["user.password.update", "jwt.refresh-token.revoke"],
    ],
    [
      "a password by its owner (ASVS 7.4.3)",
      (idp) => {
        const json = { loginId: ALICE_EMAIL, currentPassword: ALICE_PASSWORD, password: newPassword };
        return idp.call("POST", "/api/user/change-password", { json });
      },
      ["user.password.update", "jwt.refresh-token.revoke"],
    ],
    [
      "a deleted registration",
      (idp) => idp.call("DELETE", `/api/user/registration/${ALICE}/${STORE_APP}`),
      ["jwt.refresh-token.revoke"],
    ],
  ];
  const newPassword = secret("a new and fine long phrase");

  async function logoutEverywhere(idp: TestIdp) {
    const { body } = await login(idp);
    return idp.call("POST", "/api/logout", {
      key: null,
      json: { global: true, refreshToken: body.refreshToken },
    });
  }

  test.each(endings)("%s", async (_, end, expected) => {
    const { idp, receiver } = await told();
    await login(idp);
    expect(await end(idp)).toMatchObject({ status: 200 });
    const events = await arrived(idp, receiver);
    expect(events.map(({ type }) => type)).toEqual(expected);
    for (const event of events) expect(event.user).toMatchObject({ id: ALICE, email: ALICE_EMAIL });
  });

  test("reactivation, and that a user expired at a refresh", async () => {
    const { idp, receiver } = await told();
    const { body } = await login(idp);
    await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { expiry: idp.clock.now } } });
    await refreshGrant(idp, body.refreshToken);
    await idp.call("PUT", `/api/user/${ALICE}?reactivate=true`);
    const events = await arrived(idp, receiver);
    expect(events.map(({ type }) => type)).toEqual(["jwt.refresh-token.revoke", "user.reactivate"]);
    expect(events[0].info.data.reason).toBe("login-prevented");
  });

  test("the end of a whole tenant, application by application", async () => {
    const { idp, receiver } = await told();
    const { body } = await idp.call("POST", "/api/tenant", { json: { tenant: { name: "Other" } } });
    const headers = { "x-fusionauth-tenantid": body.tenant.id };
    await idp.call("POST", `/api/application/${NOBODY}`, {
      headers,
      json: { application: { name: "Shop" } },
    });
    await idp.call("DELETE", `/api/tenant/${body.tenant.id}`);
    expect(await arrived(idp, receiver)).toMatchObject([
      { type: "jwt.refresh-token.revoke", tenantId: body.tenant.id, applicationId: NOBODY },
    ]);
  });

  test("where the policy keeps the sign-ins, no revocation is told", async () => {
    const { idp, receiver } = await told();
    const { body } = await idp.call("GET", "/api/tenant");
    const keep = { onPasswordChanged: false, onLoginPrevented: false };
    await idp.call("PATCH", `/api/tenant/${body.tenants[0].id}`, {
      json: { tenant: { jwtConfiguration: { refreshTokenRevocationPolicy: keep } } },
    });
    await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password: newPassword } } });
    await idp.call("DELETE", `/api/user/${ALICE}`);
    const events = await arrived(idp, receiver);
    expect(events.map(({ type }) => type)).toEqual(["user.password.update", "user.deactivate"]);
  });
});

describe("sign-ins", () => {
  test("success, failure and a new device, with where and on what", async () => {
    const { idp, receiver } = await told({}, { eventsEnabled: EVERY_TYPE });
    const withDevice = (deviceId: string) => ({
      ...DEVICE,
      metaData: { ...DEVICE.metaData, data: { deviceId } },
    });
    await login(idp, withDevice("a".repeat(43)));
    await login(idp, withDevice("b".repeat(43)));
    await login(idp, { ...DEVICE, password: secret("not her password") });
    const events = await arrived(idp, receiver);
    expect(events.map(({ type }) => type)).toEqual([
      "user.login.success",
      "user.login.success",
      "user.login.new-device",
      "user.login.failed",
    ]);
    for (const event of events) {
      expect(event).toMatchObject({
        applicationId: STORE_APP,
        user: { id: ALICE },
        authenticationType: "PASSWORD",
        ipAddress: "203.0.113.7",
        info: { deviceName: "Firefox on Linux", ipAddress: "203.0.113.7" },
      });
    }
    expect(events[3].reason).toEqual({ code: "credentials" });
    expect(JSON.stringify(events)).not.toContain("aaaaaaaaaa");
  });

  test("a failed sign-in of nobody is told to nobody (CWE-203)", async () => {
    const { idp, receiver } = await told({}, { eventsEnabled: EVERY_TYPE });
    await login(idp, { loginId: "nobody@example.com" });
    expect(await arrived(idp, receiver)).toEqual([]);
  });
});

describe("what is not told", () => {
  test("a change that was refused or is none", async () => {
    const { idp, receiver } = await told();
    const { body } = await login(idp);
    const patch = (user: object) => idp.call("PATCH", `/api/user/${ALICE}`, { json: { user } });
    expect((await patch({ password: "short" })).status).toBe(400);
    expect((await patch({ firstName: "Alicia" })).status).toBe(200);
    expect((await idp.call("DELETE", `/api/user/${NOBODY}`)).status).toBe(404);
    expect((await idp.call("DELETE", `/api/jwt/refresh?userId=${NOBODY}`)).status).toBe(404);
    await idp.call("DELETE", `/api/jwt/refresh/${body.refreshTokenId}`);
    await idp.call("DELETE", `/api/jwt/refresh/${body.refreshTokenId}`);
    await idp.call("POST", "/api/logout", { key: null, json: { refreshToken: body.refreshToken } });
    expect((await arrived(idp, receiver)).map(({ type }) => type)).toEqual(["jwt.refresh-token.revoke"]);
  });

  test("a change that was undone: its event is undone with it", async () => {
    const database = await emptyDatabase();
    const { idp, receiver } = await told({ database });
    // The events are written before the row is deleted, and what comes then fails.
    const allow = await refusing(database, "DELETE ON users");
    expect((await idp.call("DELETE", `/api/user/${ALICE}?hardDelete=true`)).status).toBe(500);
    expect(await arrived(idp, receiver)).toEqual([]);
    expect(await dump(database)).toContain('["outbox",[]]');
    await allow();
    expect((await idp.call("DELETE", `/api/user/${ALICE}?hardDelete=true`)).status).toBe(200);
    expect(await arrived(idp, receiver)).toHaveLength(2);
  });

  test("another tenant's happenings, and types that were not asked for", async () => {
    const idp = await startIdp();
    const { body } = await idp.call("POST", "/api/tenant", { json: { tenant: { name: "Other" } } });
    const others = await startReceiver();
    await subscribe(idp, others, { global: false, tenantIds: [body.tenant.id] });
    const deletions = await startReceiver();
    await subscribe(idp, deletions, { eventsEnabled: { "user.delete": true } });
    const own = await startReceiver();
    const { body: tenants } = await idp.call("GET", "/api/tenant");
    await subscribe(idp, own, { global: false, tenantIds: [tenants.tenants[0].id] });
    await idp.call("DELETE", `/api/user/${ALICE}`);
    await idp.idp.deliverDue();
    expect([others, deletions, own].map(({ received }) => received.length)).toEqual([0, 0, 2]);
  });

  test("nothing is written where nobody is to hear of it", async () => {
    const database = await emptyDatabase();
    const idp = await startIdp({ database });
    await login(idp);
    await idp.call("DELETE", `/api/user/${ALICE}`);
    expect(await dump(database)).toContain('["outbox",[]]');
  });
});

test("no event holds a token, a hash, a password or what stands for one (CWE-532)", async () => {
  const database = await emptyDatabase();
  const { idp, receiver } = await told({ database }, { eventsEnabled: EVERY_TYPE });
  receiver.answering = async () => 503;
  const { body } = await login(idp, DEVICE);
  const second = await refreshGrant(idp, body.refreshToken);
  const password = secret("a new and fine long phrase");
  await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password } } });
  await idp.call("DELETE", `/api/user/${ALICE}?hardDelete=true`);
  await idp.idp.deliverDue();
  const rows = JSON.parse(await dump(database)).find(([name]: [string]) => name === "outbox")[1];
  expect(rows.length).toBeGreaterThan(4);
  const written = JSON.stringify(rows) + receiver.received.map(({ raw }) => raw).join("");
  for (const text of [body.refreshToken, second.body.refresh_token, body.token, password, ALICE_PASSWORD]) {
    expect(written).not.toContain(text);
  }
  expect(written).not.toMatch(/argon2|"hash"|"secret"|"token":|"salt"/);
});

test("the signature verifies with jose against the published keys, over the very bytes that arrived", async () => {
  const { idp, receiver } = await told();
  await idp.call("DELETE", `/api/user/${ALICE}`);
  await idp.idp.rotateSigningKey({ now: true });
  await idp.call("PUT", `/api/user/${ALICE}?reactivate=true`);
  await idp.idp.deliverDue();
  expect(receiver.received).toHaveLength(3);
  for (const one of receiver.received) {
    const claims = await verified(idp, one);
    expect(claims["request_body_sha256"]).toBe(createHash("sha256").update(one.raw).digest("base64"));
    const iat = Math.floor(idp.clock.now / 1_000);
    expect(claims).toMatchObject({ iat, exp: iat + 300, jti: one.event.id });
    expect(one).toMatchObject({ method: "POST", path: "/webhooks" });
    expect(one.headers["content-type"]).toBe("application/json");
  }
  expect(new Set(receiver.received.map(({ event }) => event.id)).size).toBe(3);
});

test("a webhook's signature is no access token (RFC 8725 §3.12) (ASVS 9.2.2)", async () => {
  const { idp, receiver } = await told();
  await idp.call("DELETE", `/api/user/${ALICE}`);
  await idp.idp.deliverDue();
  const token = String(receiver.received[0]?.headers["x-fusionauth-signature-jwt"]);
  const headers = { authorization: `Bearer ${token}` };
  expect((await idp.call("GET", "/api/jwt/validate", { key: null, headers })).status).toBe(401);
  expect((await idp.call("GET", "/api/user", { key: null, headers })).status).toBe(401);
});
