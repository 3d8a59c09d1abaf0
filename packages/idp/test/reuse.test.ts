// A refresh token that two parties hold: that the end of the family and what is told of it are one step, that the user is told
// once, and on which device it was (RFC 9700 §4.14.2).
import { describe, expect, test } from "vitest";
import {
  ALICE,
  dump,
  emptyDatabase,
  ISSUER,
  login,
  refreshGrant,
  refusing,
  startIdp,
  STORE_APP,
  STORE_SECRET,
} from "./idp.ts";
import { arrived, told } from "./receiver.ts";

const DEVICE = {
  metaData: { device: { name: "Firefox on Linux", type: "BROWSER" } },
  ipAddress: "203.0.113.7",
};
const NOBODY = "00000000-0000-4000-8000-000000000000";

describe("reuse", () => {
  const reuseOnly = { eventsEnabled: { "jwt.refresh-token.reuse": true } };

  test("an old refresh token: family revoked and user told, once (RFC 9700 §4.14.2)", async () => {
    const { idp, receiver } = await told();
    const { body } = await login(idp, DEVICE);
    await refreshGrant(idp, body.refreshToken);
    idp.clock.now += 60_000;
    for (let time = 0; time < 3; time += 1) await refreshGrant(idp, body.refreshToken);
    const events = await arrived(idp, receiver);
    expect(events.map(({ type }) => type)).toEqual(["jwt.refresh-token.revoke", "jwt.refresh-token.reuse"]);
    for (const event of events) {
      expect(event).toMatchObject({
        userId: ALICE,
        refreshToken: { id: body.refreshTokenId },
        info: { deviceName: "Firefox on Linux", data: { reason: "reuse" } },
      });
    }
  });

  test("of 50 at once the user is told once", async () => {
    const { idp, receiver } = await told();
    const { body } = await login(idp);
    await refreshGrant(idp, body.refreshToken);
    idp.clock.now += 60_000;
    const presented = () => refreshGrant(idp, body.refreshToken);
    const reported = () => idp.call("DELETE", `/api/jwt/refresh/${body.refreshTokenId}?reason=reuse`);
    await Promise.all(Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? presented() : reported())));
    const events = await arrived(idp, receiver);
    expect(events.map(({ type }) => type)).toEqual(["jwt.refresh-token.revoke", "jwt.refresh-token.reuse"]);
  });

  test("found by the application: ?reason=reuse ends the family and tells the user, once, also after a restart", async () => {
    const database = await emptyDatabase();
    const { idp, receiver } = await told({ database });
    const { body } = await login(idp, DEVICE);
    const path = `/api/jwt/refresh/${body.refreshTokenId}?reason=reuse`;
    expect((await idp.call("DELETE", path)).status).toBe(200);
    const events = await arrived(idp, receiver);
    expect(events.map(({ type }) => type)).toEqual(["jwt.refresh-token.revoke", "jwt.refresh-token.reuse"]);
    expect(events[0].info.data.reason).toBe("reuse");
    expect((await refreshGrant(idp, body.refreshToken)).body.error).toBe("invalid_grant");
    const found = idp.events.filter(({ type }) => type === "refresh-token-reused");
    expect(found).toMatchObject([{ presented: null, current: 1, familyRevoked: true, userId: ALICE }]);
    await idp.idp.close();

    const after = await startIdp({ database });
    expect((await after.call("DELETE", path)).status).toBe(200);
    expect(await arrived(after, receiver)).toEqual([]);
    expect((await refreshGrant(after, body.refreshToken)).body.error).toBe("invalid_grant");
  });

  test("revocation, note and events are one step: where one can't be written, none is (ASVS 15.4.2)", async () => {
    const database = await emptyDatabase();
    const { idp, receiver } = await told({ database });
    const { body } = await login(idp);
    const second = await refreshGrant(idp, body.refreshToken);
    idp.clock.now += 60_000;
    const allow = await refusing(database, "INSERT ON outbox");
    const before = await dump(database);
    expect((await refreshGrant(idp, body.refreshToken)).status).toBe(500);
    expect(await dump(database)).toBe(before);
    await allow();
    expect((await refreshGrant(idp, body.refreshToken)).body.error).toBe("invalid_grant");
    expect((await refreshGrant(idp, second.body.refresh_token)).body.error).toBe("invalid_grant");
    expect(await arrived(idp, receiver)).toHaveLength(2);
  });

  test("it is durable: after a restart the family is over, and what was to be told is told", async () => {
    const database = await emptyDatabase();
    const { idp, receiver } = await told({ database });
    receiver.answering = async () => 503;
    const { body } = await login(idp);
    const second = await refreshGrant(idp, body.refreshToken);
    idp.clock.now += 60_000;
    await refreshGrant(idp, body.refreshToken);
    await idp.idp.close();
    receiver.received.splice(0);
    receiver.answering = async () => 200;
    const after = await startIdp({ database });
    after.clock.now = idp.clock.now + 1_000;
    expect((await refreshGrant(after, second.body.refresh_token)).body.error).toBe("invalid_grant");
    const events = await arrived(after, receiver);
    expect(events.map(({ type }) => type)).toEqual(["jwt.refresh-token.revoke", "jwt.refresh-token.reuse"]);
  });

  test("without ?reason=reuse nobody is told that a copy was found", async () => {
    const { idp, receiver } = await told({}, reuseOnly);
    const { body } = await login(idp);
    await idp.call("DELETE", `/api/jwt/refresh/${body.refreshTokenId}`);
    expect(await arrived(idp, receiver)).toEqual([]);
  });

  test("only an application may say so, of one token that it may see, and only so", async () => {
    const { idp, receiver } = await told();
    const { body } = await login(idp);
    const refused: [string, number, object][] = [
      [`/api/jwt/refresh/${body.refreshTokenId}?reason=theft`, 400, {}],
      [`/api/jwt/refresh/${body.refreshTokenId}?reason=reuse&reason=reuse`, 400, {}],
      [`/api/jwt/refresh?userId=${ALICE}&reason=reuse`, 400, {}],
      [`/api/jwt/refresh/${NOBODY}?reason=reuse`, 404, {}],
      [
        `/api/jwt/refresh/${body.refreshTokenId}?reason=reuse`,
        401,
        { key: null, headers: { authorization: `Bearer ${body.token}` } },
      ],
    ];
    for (const [path, status, options] of refused) {
      expect([path, (await idp.call("DELETE", path, options)).status]).toEqual([path, status]);
    }
    expect(await arrived(idp, receiver)).toEqual([]);
    expect((await refreshGrant(idp, body.refreshToken)).status).toBe(200);
  });

  test("where the policy does not revoke, the user is told all the same, once", async () => {
    const { idp, receiver } = await told();
    const jwtConfiguration = {
      enabled: true,
      refreshTokenRevocationPolicy: { onOneTimeTokenReuse: false },
    };
    await idp.call("PATCH", `/api/application/${STORE_APP}`, { json: { application: { jwtConfiguration } } });
    const { body } = await login(idp);
    const second = await refreshGrant(idp, body.refreshToken);
    idp.clock.now += 60_000;
    for (let time = 0; time < 3; time += 1) await refreshGrant(idp, body.refreshToken);
    const events = await arrived(idp, receiver);
    expect(events.map(({ type }) => type)).toEqual(["jwt.refresh-token.reuse"]);
    expect((await refreshGrant(idp, second.body.refresh_token)).status).toBe(200);
  });
});

describe("whose token it is, and on which device (refresh-events.test.ts has every verdict)", () => {
  const tokenEvents = (idp: Awaited<ReturnType<typeof startIdp>>) =>
    idp.events.filter(({ type }) => type.startsWith("refresh-token-"));

  test("the address is the device's, not that of the application that renews for it", async () => {
    const idp = await startIdp();
    const { body } = await login(idp, DEVICE);
    const renewed = async (refresh_token: string, forwarded: Record<string, string>): Promise<string> => {
      const grant = { grant_type: "refresh_token", client_id: STORE_APP, client_secret: STORE_SECRET };
      const request = new Request(`${ISSUER}/oauth2/token`, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", ...forwarded },
        body: new URLSearchParams({ ...grant, refresh_token }),
      });
      const response = await idp.idp.fetch(request, { address: "10.0.0.5" });
      return (await response.json()).refresh_token;
    };
    const second = await renewed(body.refreshToken, {});
    await renewed(second, { "x-forwarded-for": "203.0.113.99, 10.0.0.1" });
    const rotated = tokenEvents(idp).filter(({ type }) => type === "refresh-token-rotated");
    expect(rotated).toMatchObject([{ address: "203.0.113.7" }, { address: "203.0.113.99" }]);
  });

  test("a forged one names no user: nobody has shown that it is his", async () => {
    const idp = await startIdp();
    const { body } = await login(idp, DEVICE);
    const forged = `${body.refreshToken.slice(0, -2)}${body.refreshToken.endsWith("AA") ? "BB" : "AA"}`;
    await refreshGrant(idp, forged);
    const event = tokenEvents(idp).at(-1);
    expect(event).toEqual({
      at: idp.clock.now,
      type: "refresh-token-refused",
      reason: "forged",
      refreshTokenId: body.refreshTokenId,
    });
    expect((await refreshGrant(idp, body.refreshToken)).status).toBe(200);
  });
});
