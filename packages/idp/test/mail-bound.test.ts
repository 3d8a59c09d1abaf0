// How many messages an address gets: a notice that matters must not be buried under a hundred others, and an address that somebody
// gave as his own must not be flooded (CWE-770). What is beyond the bound still goes to the applications.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { IdpConfig, MailMessage } from "../src/index.ts";
import { MAILED } from "../src/store/user-event.ts";
import { nextAttempt, type Tally, withFailure } from "../src/throttle.ts";
import { ALICE, ALICE_EMAIL, emptyDatabase, dump, login, startIdp, type TestIdp } from "./idp.ts";
import { arrived, EVERY_TYPE, told } from "./receiver.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function mailbox() {
  const mails: MailMessage[] = [];
  const send = async (message: MailMessage) => void mails.push(message);
  const mail: NonNullable<IdpConfig["mail"]> = { from: "accounts@store.example", send };
  return { mails, mail };
}

const newDevice = (idp: TestIdp) => login(idp, { newDevice: true });
const rename = (idp: TestIdp, username: string, id = ALICE) =>
  idp.call("PATCH", `/api/user/${id}`, { json: { user: { username } } });

test("new devices: five at once, ten in a day, and every one to the applications", async () => {
  const { mails, mail } = mailbox();
  const eventsEnabled = { "user.login.new-device": true };
  const { idp, receiver } = await told({ mail }, { eventsEnabled });
  for (let count = 0; count < 8; count += 1) await newDevice(idp);
  expect(await arrived(idp, receiver)).toHaveLength(8);
  expect(mails).toHaveLength(5);
  for (const end = idp.clock.now + DAY; idp.clock.now < end; ) {
    await newDevice(idp);
    await idp.idp.deliverDue();
    idp.clock.now += HOUR;
  }
  expect(receiver.received).toHaveLength(24);
  expect(mails).toHaveLength(10);
  expect(new Set(mails.map(({ subject }) => subject))).toEqual(new Set(["A sign-in from a new device"]));
});

test("50 changes at once are three messages, one more an hour later; another kind and another user have their own", async () => {
  const { mails, mail } = mailbox();
  const { idp, receiver } = await told({ mail }, { eventsEnabled: EVERY_TYPE });
  const names = Array.from({ length: 50 }, (_, index) => `alice${index}`);
  const answers = await Promise.all(names.map((name) => rename(idp, name)));
  const made = answers.filter(({ status }) => status === 200).length;
  expect(made).toBeGreaterThan(3);
  expect(await arrived(idp, receiver)).toHaveLength(made);
  expect(mails.splice(0)).toHaveLength(3);

  idp.clock.now += HOUR - 1;
  await rename(idp, "alicia");
  await idp.idp.deliverDue();
  expect(mails).toEqual([]);
  idp.clock.now += 1;
  await rename(idp, "alice");
  await rename(idp, "alicia");
  await idp.idp.deliverDue();
  expect(mails.splice(0)).toHaveLength(1);

  const user = { email: "bob@example.com", username: "bob" };
  const { body } = await idp.call("POST", "/api/user", { json: { user } });
  await rename(idp, "robert", body.user.id);
  await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { email: "alice@else.example" } } });
  await idp.idp.deliverDue();
  expect(mails.map(({ to, subject }) => [to, subject])).toEqual([
    ["bob@example.com", "Your username was changed"],
    [ALICE_EMAIL, "Your e-mail address was changed"],
  ]);
});

test("the bound outlives a restart, and the account: who is made anew with the address gets no more mail", async () => {
  const database = await emptyDatabase();
  const { mails, mail } = mailbox();
  const first = await startIdp({ database, mail });
  for (const name of ["a", "b", "c", "d"]) await rename(first, name);
  await first.idp.deliverDue();
  await first.close();
  expect(mails.splice(0)).toHaveLength(3);
  // Nor does the database name who was told.
  const attempts = JSON.parse(await dump(database)).find(([name]: string[]) => name === "attempts")[1];
  expect(attempts).toHaveLength(1);
  expect(JSON.stringify(attempts)).not.toMatch(/alice|mail/);

  const second = await startIdp({ database, mail });
  await rename(second, "e");
  await second.call("DELETE", `/api/user/${ALICE}?hardDelete=true`);
  const user = { email: ALICE_EMAIL, username: "f" };
  const { body } = await second.call("POST", "/api/user", { json: { user } });
  await rename(second, "g", body.user.id);
  await second.idp.deliverDue();
  expect(mails).toEqual([]);
});

test("where no mail is configured nothing is counted", async () => {
  const database = await emptyDatabase();
  const { idp } = await told({ database }, { eventsEnabled: EVERY_TYPE });
  await rename(idp, "alicia");
  expect(await dump(database)).toContain('["attempts",[]]');
});

describe("the rules", () => {
  const pauses = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 90 * MINUTE }));

  test.each([...MAILED])(
    "%s: the first of an hour, or of four, is always sent, and no flood gets through",
    (type, rule) => {
      const quiet = type === "user.login.new-device" ? 4 * HOUR : HOUR;
      const most = type === "user.login.new-device" ? 10 : 26;
      fc.assert(
        fc.property(fc.array(pauses, { maxLength: 200 }), (waits) => {
          let tally: Tally | null = null;
          let at = Date.UTC(2026, 0, 1);
          const sent: number[] = [];
          for (const pause of waits) {
            at += pause;
            const admitted = nextAttempt(rule, tally, at) <= at;
            const isQuiet = at - (sent.at(-1) ?? 0) >= quiet;
            expect(admitted || !isQuiet).toBe(true);
            if (!admitted) continue;
            tally = withFailure(rule, tally, at);
            sent.push(at);
          }
          for (const start of sent) {
            expect(sent.filter((one) => one >= start && one < start + DAY).length).toBeLessThanOrEqual(most);
          }
        }),
      );
    },
  );
});
