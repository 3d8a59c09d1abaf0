// Events at the edge: of a user who is deleted while something else ends his sign-ins, and of what happened just before the end.
import { expect, test } from "vitest";
import { ALICE, emptyDatabase, FORUM_APP, login, startIdp, STORE_APP } from "./idp.ts";
import { arrived, EVERY_TYPE, startReceiver, subscribe, told, types } from "./receiver.ts";

const endings: [string, string][] = [
  ["his registration is deleted", `/api/user/registration/${ALICE}/${STORE_APP}`],
  [
    "his sign-ins in one application are revoked",
    `/api/jwt/refresh?userId=${ALICE}&applicationId=${STORE_APP}`,
  ],
];

// One of these meets the moment between looking for the user and writing, however many steps an answer takes.
const delays = Array.from({ length: 12 }, (_, steps) => steps);

test.each(endings)(
  "a user is deleted while %s: nobody hears that all of the application's sign-ins ended (ASVS 7.4.2)",
  async (_, path) => {
    for (const steps of delays) {
      const { idp, receiver } = await told();
      const later = async (method: string, target: string) => {
        for (let step = 0; step < steps; step += 1) await Promise.resolve();
        return idp.call(method, target);
      };
      await Promise.all([
        idp.call("DELETE", `/api/user/${ALICE}?hardDelete=true`),
        later("DELETE", path),
        later("DELETE", `/api/user/registration/${ALICE}/${FORUM_APP}`),
      ]);
      const events = await arrived(idp, receiver);
      expect(events.map(({ type }) => type)).toContain("user.delete");
      for (const event of events) expect(event).toHaveProperty("user.id", ALICE);
      await idp.close();
      await receiver.close();
    }
  },
);

test("a failed sign-in right before the provider closes is told of by the next one", async () => {
  const database = await emptyDatabase();
  const receiver = await startReceiver();
  const first = await startIdp({ database });
  await subscribe(first, receiver, { eventsEnabled: EVERY_TYPE });
  await login(first, { password: "not the password" });
  await first.close();
  const second = await startIdp({ database });
  await second.idp.deliverDue();
  expect(types(receiver.received)).toEqual(["user.login.failed"]);
});
