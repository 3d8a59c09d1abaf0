// A changed e-mail address or username is told to the address before it and to the applications: whoever takes an account over
// would otherwise begin with the address, and its owner would hear of nothing that comes after.
import { describe, expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import type { MailMessage } from "../src/index.ts";
import { ALICE, ALICE_EMAIL, STORE_APP, type TestIdp } from "./idp.ts";
import { arrived, EVERY_TYPE, told } from "./receiver.ts";

const NEW_EMAIL = "somebody@else.example";
const ADDRESS = "198.51.100.4";

async function withMail() {
  const mails: MailMessage[] = [];
  const send = async (message: MailMessage) => void mails.push(message);
  const mail = { from: "accounts@store.example", send };
  return { mails, ...(await told({ mail }, { eventsEnabled: EVERY_TYPE })) };
}

const change = (idp: TestIdp, method: string, user: object) =>
  idp.call(method, `/api/user/${ALICE}`, { json: { user }, headers: { "x-forwarded-for": ADDRESS } });

describe("an e-mail address that is another one", () => {
  test.each([
    ["PATCH", { email: NEW_EMAIL }],
    ["PUT", { email: NEW_EMAIL, username: "alice" }],
  ])("by %s is told to the old one, and to applications with both (ASVS 6.3.7)", async (method, user) => {
    const { idp, receiver, mails } = await withMail();
    expect((await change(idp, method, user)).status).toBe(200);
    const [event, ...more] = await arrived(idp, receiver);
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      type: "user.email.update",
      previousEmail: ALICE_EMAIL,
      user: { id: ALICE, email: NEW_EMAIL, verified: false },
      info: { ipAddress: ADDRESS },
    });
    expect(mails).toMatchObject([{ to: ALICE_EMAIL, subject: "Your e-mail address was changed" }]);
    expect(mails[0]?.text).toContain(`Address: ${ADDRESS}`);
    expect(mails[0]?.text).toMatch(/If it was not, somebody else has your account/);
    // Whoever took the account over chose it.
    expect(mails[0]?.text).not.toContain("else.example");
  });

  test("or none any more is told to the old one", async () => {
    const { idp, receiver, mails } = await withMail();
    expect((await change(idp, "PATCH", { email: null })).status).toBe(200);
    const [event] = await arrived(idp, receiver);
    expect(event).toMatchObject({ type: "user.email.update", previousEmail: ALICE_EMAIL });
    expect(event.user).not.toHaveProperty("email");
    expect(mails.map(({ to }) => to)).toEqual([ALICE_EMAIL]);
  });

  test("and the first one a user gets is told to applications, and mailed to nobody", async () => {
    const { idp, receiver, mails } = await withMail();
    const { body } = await idp.call("POST", "/api/user", { json: { user: { username: "bob" } } });
    const json = { user: { email: NEW_EMAIL } };
    expect((await idp.call("PATCH", `/api/user/${body.user.id}`, { json })).status).toBe(200);
    const [event, ...more] = await arrived(idp, receiver);
    expect([event.type, event.previousEmail, more]).toEqual(["user.email.update", undefined, []]);
    expect(mails).toEqual([]);
  });
});

test("a username that is another one is told to the user and to applications (ASVS 6.3.7)", async () => {
  const { idp, receiver, mails } = await withMail();
  expect((await change(idp, "PATCH", { username: "alicia" })).status).toBe(200);
  const [event, ...more] = await arrived(idp, receiver);
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    type: "user.identity.update",
    loginIdType: "username",
    previousLoginId: "alice",
    newLoginId: "alicia",
  });
  expect(mails).toMatchObject([{ to: ALICE_EMAIL, subject: "Your username was changed" }]);
});

test("both at once, and the password: the old address hears that nothing more will come to it", async () => {
  const { idp, receiver, mails } = await withMail();
  const password = secret("a new and fine long phrase");
  await change(idp, "PATCH", { email: NEW_EMAIL, username: "alicia", password });
  const events = await arrived(idp, receiver);
  expect(events.map(({ type }) => type)).toEqual([
    "user.email.update",
    "user.identity.update",
    "user.password.update",
    "jwt.refresh-token.revoke",
  ]);
  expect(mails.map(({ to, subject }) => [to, subject])).toEqual([
    [ALICE_EMAIL, "Your e-mail address was changed"],
    [ALICE_EMAIL, "Your username was changed"],
    [NEW_EMAIL, "Your password was changed"],
  ]);
});

test("50 changes at once: each is told with what was there before it, and the last is what is there", async () => {
  const { idp, receiver } = await withMail();
  const names = Array.from({ length: 50 }, (_, index) => `user${index}@example.com`);
  const answers = await Promise.all(names.map((email) => change(idp, "PATCH", { email })));
  const told = await arrived(idp, receiver);
  expect(told).toHaveLength(answers.filter(({ status }) => status === 200).length);
  expect(told.length).toBeGreaterThan(1);
  let before = ALICE_EMAIL;
  for (const { previousEmail, user } of told) {
    expect(previousEmail).toBe(before);
    before = user.email;
  }
  expect((await idp.call("GET", `/api/user/${ALICE}`)).body.user.email).toBe(before);
});

test("nothing is told of a new user, of the same ids in another spelling, and of a change that was refused", async () => {
  const { idp, receiver, mails } = await withMail();
  const user = { email: "bob@example.com", username: "bob" };
  const registration = { applicationId: STORE_APP };
  const users = [{ email: "carol@example.com", username: "carol" }];
  const answers = [
    await idp.call("POST", "/api/user", { json: { user } }),
    await idp.call("POST", "/api/user/registration", {
      json: { user: { email: "dave@example.com" }, registration },
    }),
    await idp.call("POST", "/api/user/import", { json: { users } }),
    await change(idp, "PATCH", { email: "Alice@Example.com", username: "ALICE", firstName: "Alicia" }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect((await change(idp, "PATCH", { email: "bob@example.com" })).status).toBe(400);
  expect((await change(idp, "PATCH", { username: "bob" })).status).toBe(400);
  expect(await arrived(idp, receiver)).toEqual([]);
  expect(mails).toEqual([]);
});
