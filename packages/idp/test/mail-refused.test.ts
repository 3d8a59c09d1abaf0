// What becomes of a message that a mail server does not take: for good, or for now.
import { expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { MailRefusedError } from "../src/index.ts";
import { ALICE, ALICE_EMAIL, emptyDatabase, dump, startIdp, type TestIdp } from "./idp.ts";
import { changePassword, FROM, newPassword, refusal, startMailServer } from "./mail-server.ts";

const named = ({ events }: TestIdp, type: string) => events.filter((event) => event.type === type);
const refusals: [string, Parameters<typeof startMailServer>[2], number][] = [
  ["the recipient", { onRcptTo: (_, __, done) => done(refusal(550)) }, 550],
  ["the sender", { onMailFrom: (_, __, done) => done(refusal(553)) }, 553],
  ["the message", { data: 554 }, 554],
];

test.each(refusals)("what is refused for good is given up at once: %s", async (_, refusing, code) => {
  const database = await emptyDatabase();
  const server = await startMailServer(0, false, refusing);
  const idp = await startIdp({ database, mail: { from: FROM, smtp: server.url } });
  await changePassword(idp);
  await idp.idp.deliverDue();
  const failure = `refused for good: ${code}`;
  expect(named(idp, "event-given-up")).toMatchObject([{ receiver: "mail", attempts: 1, failure }]);
  expect(named(idp, "event-not-delivered")).toEqual([]);
  expect(await dump(database)).toContain('["outbox",[]]');
});

const later: [string, Parameters<typeof startMailServer>[2]][] = [
  ["the recipient, by greylisting", { onRcptTo: (_, __, done) => done(refusal(451)) }],
  ["the message", { data: 452 }],
  // RFC 4954 §6: it would take the message from a client that is set up as it wants it.
  ["a client that has not said who it is", { onMailFrom: (_, __, done) => done(refusal(530)) }],
];

test.each(later)("what is refused for now is tried again: %s", async (_, refusing) => {
  const server = await startMailServer(0, false, refusing);
  const idp = await startIdp({ mail: { from: FROM, smtp: server.url } });
  await changePassword(idp);
  await idp.idp.deliverDue();
  expect(named(idp, "event-given-up")).toEqual([]);
  expect(named(idp, "event-not-delivered")).toMatchObject([{ receiver: "mail", attempts: 1 }]);
});

test("a wrong password of ours is no refusal of a message", async () => {
  const server = await startMailServer(0, true);
  const smtp = `smtp://idp:${secret("another password")}@127.0.0.1:${server.port}`.replace(" ", "%20");
  const idp = await startIdp({ mail: { from: FROM, smtp } });
  await changePassword(idp);
  await idp.idp.deliverDue();
  expect([named(idp, "event-given-up").length, named(idp, "event-not-delivered").length]).toEqual([0, 1]);
});

test("one user's bad address holds up nobody else, and himself no longer than it is his", async () => {
  const server = await startMailServer(0, false, {
    onRcptTo: ({ address }, _, done) => done(address === ALICE_EMAIL ? refusal(550) : null),
  });
  const idp = await startIdp({ mail: { from: FROM, smtp: server.url } });
  const { body } = await idp.call("POST", "/api/user", { json: { user: { email: "bob@example.com" } } });
  const change = (id: string, user: object) => idp.call("PATCH", `/api/user/${id}`, { json: { user } });
  await change(ALICE, { password: newPassword });
  await change(body.user.id, { password: newPassword });
  await change(ALICE, { email: "alice@good.example" });
  await change(ALICE, { password: secret("one more fine long phrase") });
  await idp.idp.deliverDue();
  expect(new Set(server.mails.map(({ to }) => to[0]))).toEqual(
    new Set(["alice@good.example", "bob@example.com"]),
  );
});

test("a function of the caller's says so with MailRefusedError", async () => {
  let calls = 0;
  const send = async () => {
    calls += 1;
    throw new MailRefusedError("no such mailbox");
  };
  const idp = await startIdp({ mail: { from: FROM, send } });
  await changePassword(idp);
  await idp.idp.deliverDue();
  idp.clock.now += 300_000;
  await idp.idp.deliverDue();
  expect(calls).toBe(1);
  expect(named(idp, "event-given-up")).toMatchObject([{ failure: "refused for good: no such mailbox" }]);
});
