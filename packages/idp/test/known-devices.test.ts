// A device the user has signed in from: it lets the owner in while others guess, and one not seen before is told of.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import {
  ALICE,
  ALICE_EMAIL,
  ALICE_PASSWORD,
  type Answer,
  dump,
  emptyDatabase,
  FORUM_APP,
  login,
  seeded,
  sql,
  startIdp,
  STORE_APP,
  type TestIdp,
} from "./idp.ts";

const SECOND = 1_000;
const DAY = 86_400_000;
const wrong = { password: "not the password" };

const deviceId = (name: string): string => createHash("sha256").update(name).digest("base64url");
const on = (name: string): { metaData: object } => ({
  metaData: { device: { name, type: "BROWSER" }, data: { deviceId: deviceId(name) } },
});
const newDevices = (idp: TestIdp): number => idp.events.filter(({ type }) => type === "new-device").length;

// Somebody guesses at Alice's account until every guess has to wait.
async function attack(idp: TestIdp): Promise<void> {
  for (let index = 0; index < 30; index += 1) {
    const { status, headers } = await login(idp, { ...wrong, ipAddress: `198.51.100.${index}` });
    if (status === 429) idp.clock.now += Number(headers.get("retry-after")) * SECOND;
  }
  await login(idp, { ...wrong, ipAddress: "198.51.100.99" });
  expect((await login(idp, { ipAddress: "198.51.100.100" })).status).toBe(429);
}

async function another(idp: TestIdp, email: string): Promise<void> {
  const registration = { applicationId: STORE_APP };
  const user = { email, password: ALICE_PASSWORD };
  expect((await idp.call("POST", "/api/user/registration", { json: { user, registration } })).status).toBe(
    200,
  );
}

test("on a known device the owner signs in during an attack; elsewhere he has to wait (ASVS 6.1.1, 6.3.1)", async () => {
  const idp = await startIdp();
  expect((await login(idp, on("Alice's browser"))).status).toBe(200);
  await attack(idp);
  expect((await login(idp, on("Alice's browser"))).status).toBe(200);
  expect((await login(idp, on("a browser never seen"))).status).toBe(429);
  // Nor has the owner's success opened the account to guesses.
  expect((await login(idp, { ...wrong, ipAddress: "203.0.113.9" })).status).toBe(429);
});

test("neither do his neighbours' guesses hold the owner up", async () => {
  const idp = await startIdp();
  const here = { ...on("Alice's browser"), ipAddress: "203.0.113.7" };
  await login(idp, here);
  for (let index = 0; index < 21; index += 1)
    await login(idp, { ...wrong, loginId: `user${index}`, ipAddress: "203.0.113.7" });
  expect((await login(idp, { ipAddress: "203.0.113.7" })).status).toBe(429);
  expect((await login(idp, here)).status).toBe(200);
});

test("a known device has the failures of its own, and they burden nothing else", async () => {
  const idp = await startIdp();
  const here = { ...on("Alice's browser"), ipAddress: "203.0.113.7" };
  await login(idp, here);
  const answers: number[] = [];
  for (let index = 0; index < 7; index += 1) answers.push((await login(idp, { ...here, ...wrong })).status);
  expect(answers).toEqual([404, 404, 404, 404, 404, 429, 429]);
  expect((await login(idp, here)).status).toBe(429);
  expect((await login(idp, { ipAddress: "203.0.113.7" })).status).toBe(200);
  idp.clock.now += 1 * SECOND;
  expect((await login(idp, here)).status).toBe(200);
  // From the start again after the success.
  expect((await login(idp, { ...here, ...wrong })).status).toBe(404);
});

test("50 guesses at once on a known device get no further than five", async () => {
  const idp = await startIdp();
  await login(idp, on("Alice's browser"));
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => login(idp, { ...on("Alice's browser"), ...wrong })),
  );
  expect(answers.filter(({ status }) => status === 404)).toHaveLength(5);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(45);
});

test("another user's device, a made-up one and one that only ever failed help nobody", async () => {
  const idp = await startIdp();
  await another(idp, "mallory@example.com");
  const mallory = { loginId: "mallory@example.com", ...on("Mallory's browser") };
  expect((await login(idp, mallory)).status).toBe(200);
  await login(idp, { ...on("only ever failed"), ...wrong });
  await attack(idp);
  for (const name of ["Mallory's browser", "made up", "only ever failed"]) {
    for (const password of [ALICE_PASSWORD, wrong.password])
      expect((await login(idp, { ...on(name), password })).status).toBe(429);
  }
  // Having been refused has not made them known.
  idp.clock.now += 900 * SECOND;
  for (let index = 0; index < 3; index += 1) {
    const { status } = await login(idp, { ...on("Mallory's browser"), ...wrong });
    expect(status).toBe(index === 0 ? 404 : 429);
  }
});

test("a made-up device for every guess is no way around the throttle", async () => {
  const idp = await startIdp();
  await login(idp, on("Alice's browser"));
  const answers: Answer[] = [];
  for (let index = 0; index < 20; index += 1)
    answers.push(await login(idp, { ...on(`made up ${index}`), ...wrong }));
  expect(answers.filter(({ status }) => status === 404)).toHaveLength(5);
});

test("the device's id is nowhere kept or shown; what else the application says of the sign-in is", async () => {
  const database = await emptyDatabase();
  const idp = await startIdp({ database });
  const id = secret(deviceId("Alice's browser"));
  const { body } = await login(idp, {
    metaData: { device: { name: "Browser" }, data: { deviceId: id, note: "kept" }, scopes: ["one"] },
  });
  const { body: listed } = await idp.call("GET", `/api/jwt/refresh/${body.refreshTokenId}`);
  expect(listed.refreshToken.metaData).toMatchObject({
    device: { name: "Browser" },
    data: { note: "kept" },
    scopes: ["one"],
  });
  expect(await dump(database)).not.toContain(id);
  expect(JSON.stringify([listed, body, idp.events])).not.toContain(id);
});

test("a deviceId of another form is the application's own and names no device", async () => {
  const idp = await startIdp();
  for (const own of ["short", 7, deviceId("x").slice(1), `${deviceId("x")}=`, { nested: deviceId("x") }]) {
    const { status, body } = await login(idp, { metaData: { data: { deviceId: own } } });
    expect(status).toBe(200);
    const { body: listed } = await idp.call("GET", `/api/jwt/refresh/${body.refreshTokenId}`);
    expect(listed.refreshToken.metaData.data).toEqual({ deviceId: own });
  }
  expect(newDevices(idp)).toBe(0);
});

test("a device not seen before is told of once, the first one and known ones are not (ASVS 6.3.5)", async () => {
  const idp = await startIdp();
  await login(idp, on("first"));
  await login(idp, on("first"));
  expect(newDevices(idp)).toBe(0);
  await login(idp, { ...on("second"), ...wrong });
  expect(newDevices(idp)).toBe(0);
  await login(idp, on("second"));
  expect(idp.events.filter(({ type }) => type === "new-device")).toEqual([
    expect.objectContaining({ userId: ALICE, applicationId: STORE_APP }),
  ]);
  await login(idp, on("second"));
  await login(idp, { ...on("second"), applicationId: FORUM_APP });
  await login(idp, on("first"));
  expect(newDevices(idp)).toBe(1);
});

test("five sign-ins at once from a new device are one new device", async () => {
  const idp = await startIdp();
  await login(idp, on("first"));
  const answers = await Promise.all(Array.from({ length: 5 }, () => login(idp, on("second"))));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(newDevices(idp)).toBe(1);
});

test("FusionAuth's newDevice is believed, with the right password", async () => {
  const idp = await startIdp();
  const client = await idp.client();
  const request = {
    loginId: ALICE_EMAIL,
    password: ALICE_PASSWORD,
    applicationId: STORE_APP,
    newDevice: true,
  };
  await expect(client.login({ ...request, ...wrong })).rejects.toMatchObject({ statusCode: 404 });
  expect(newDevices(idp)).toBe(0);
  expect((await client.login(request)).statusCode).toBe(200);
  expect(newDevices(idp)).toBe(1);
});

test("a device that was not used for 400 days is forgotten, one that was is not", async () => {
  const idp = await startIdp();
  await login(idp, on("seldom"));
  await login(idp, on("often"));
  idp.clock.now += 400 * DAY - 1;
  await login(idp, on("often"));
  idp.clock.now += 1;
  await login(idp, on("often"));
  expect(newDevices(idp)).toBe(1);
  await attack(idp);
  expect((await login(idp, on("seldom"))).status).toBe(429);
  expect((await login(idp, on("often"))).status).toBe(200);
});

test("50 devices of a user are kept: the last used", async () => {
  const database = await emptyDatabase();
  const idp = await startIdp({ database });
  await login(idp, on("first"));
  for (let index = 0; index < 49; index += 1) {
    idp.clock.now += 1;
    await login(idp, on(`device ${index}`));
  }
  idp.clock.now += 1;
  await login(idp, on("first"));
  idp.clock.now += 1;
  await login(idp, on("one more"));
  expect(await sql(database, "SELECT device FROM known_devices")).toHaveLength(50);
  await attack(idp);
  expect((await login(idp, on("device 0"))).status).toBe(429);
  for (const name of ["first", "device 1", "one more"]) expect((await login(idp, on(name))).status).toBe(200);
});

test("a new password makes every device unknown: whoever had the old one proved nothing of the new", async () => {
  const idp = await startIdp();
  await login(idp, on("Alice's browser"));
  await login(idp, on("the thief's"));
  const password = "another fine long phrase";
  await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password } } });
  await attack(idp);
  expect((await login(idp, { ...on("the thief's"), password })).status).toBe(429);
  idp.clock.now += 900 * SECOND;
  expect((await login(idp, { ...on("Alice's browser"), password })).status).toBe(200);
  const before = newDevices(idp);
  expect((await login(idp, { ...on("the thief's"), password })).status).toBe(200);
  expect(newDevices(idp)).toBe(before + 1);
});

test("who changes his password during an attack is still let in where he changed it, and only there (ASVS 6.3.1)", async () => {
  const idp = await startIdp();
  await login(idp, on("Alice's browser"));
  await login(idp, on("the thief's"));
  await attack(idp);
  const password = "another fine long phrase";
  const change = { loginId: ALICE_EMAIL, currentPassword: ALICE_PASSWORD, password };
  const json = { ...change, ...on("Alice's browser") };
  expect((await idp.call("POST", "/api/user/change-password", { json })).status).toBe(200);
  expect((await login(idp, { ...on("Alice's browser"), password })).status).toBe(200);
  expect((await login(idp, { ...on("the thief's"), password })).status).toBe(429);
});

test("a refused change of the password makes no device known", async () => {
  const idp = await startIdp();
  const change = { loginId: ALICE_EMAIL, ...on("a guesser's") };
  for (const json of [
    { ...change, currentPassword: "not the password", password: "another fine long phrase" },
    { ...change, currentPassword: ALICE_PASSWORD, password: "short" },
  ])
    expect((await idp.call("POST", "/api/user/change-password", { json })).status).toBe(400);
  await attack(idp);
  expect((await login(idp, on("a guesser's"))).status).toBe(429);
});

test("a caller without a key may name a device, too; it is known as any other", async () => {
  const loginConfiguration = {
    allowTokenRefresh: true,
    generateRefreshTokens: true,
    requireAuthentication: false,
  };
  const idp = await startIdp({ kickstart: seeded({ store: { loginConfiguration } }) });
  const json = { loginId: ALICE_EMAIL, applicationId: STORE_APP, ...on("public") };
  const own = () =>
    idp.call("POST", "/api/login", { key: null, json: { ...json, password: ALICE_PASSWORD } });
  expect((await own()).status).toBe(200);
  await attack(idp);
  expect((await own()).status).toBe(200);
});
