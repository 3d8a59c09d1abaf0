// What ends sign-ins while somebody signs in, many times over and in every order: afterwards no token lives that must not (CWE-367).

import assert from "node:assert/strict";
import type { Cases, Place } from "../conformance.ts";
import type { Store } from "../store.ts";
import {
  application,
  filled,
  found,
  id,
  password,
  registration,
  signInOf,
  tenant,
  times,
  token,
  user,
} from "./records.ts";

const ROUNDS = 20;
const SIGN_INS = 5;

/** Of one round: a tenant, an application, a user and his registration of its own. */
interface Round {
  tenantId: string;
  applicationId: string;
  userId: string;
  registrationId: string;
}

type Ending = (store: Store, round: Round) => Promise<unknown>;

const ENDINGS: Readonly<Record<string, Ending>> = {
  "the user is deactivated": (store, { userId }) => store.users.setActive(userId, false, true),
  "the user is deleted": (store, { userId }) => store.users.delete(userId),
  "the password is changed": async (store, { userId }) =>
    store.users.update(found(await store.users.find(userId)), {
      password: password({ hash: "new" }),
      revoke: true,
    }),
  "the application is deactivated": (store, { applicationId }) =>
    store.applications.setActive(applicationId, false),
  "the application is deleted": (store, { applicationId }) => store.applications.delete(applicationId),
  "the registration is deleted": (store, { userId, applicationId }) =>
    store.registrations.delete(userId, applicationId),
  "the tenant is deleted": (store, { tenantId }) => store.tenants.delete(tenantId),
};

/** The cases of what ends meanwhile. */
export const meanwhileCases: Cases = {
  ...Object.fromEntries(
    Object.entries(ENDINGS).map(([what, end]) => [
      `while ${what}: a sign-in is refused, or its token ends`,
      (place: Place) => endsMeanwhile(place, end),
    ]),
  ),

  "while a user is deactivated and activated over and over, no token lives whose sign-in came before the last ending":
    async ({ one, two, clock }) => {
      await filled(one);
      const round = await begun(one, 0);
      const answers = await times<unknown>(100, async (index) => {
        const store = index % 2 === 0 ? one : two;
        if (index % 5 === 0) return store.users.setActive(round.userId, index % 2 === 0, true);
        return store.refreshTokens.signIn(signInOf(token(20_000 + index, clock.now, round)));
      });
      await one.users.setActive(round.userId, false, true);
      assert.deepEqual(await two.refreshTokens.list(round.userId), []);
      for (const [index, answer] of answers.entries())
        if (index % 5 !== 0) await assertOver(two, id(20_000 + index), answer);
    },
};

async function endsMeanwhile({ one, two, clock }: Place, end: Ending): Promise<void> {
  await filled(one);
  for (let number = 0; number < ROUNDS; number += 1) {
    const round = await begun(one, number);
    const tokens = Array.from({ length: SIGN_INS }, (_, index) =>
      token(10_000 + number * 100 + index, clock.now, round),
    );
    const signIn = (index: number): Promise<unknown> => {
      const signedIn = signInOf(found(tokens[index]), { registrationId: round.registrationId });
      return (index % 2 === 0 ? one : two).refreshTokens.signIn(signedIn);
    };
    // Before, between and after the sign-ins.
    const at = number % (SIGN_INS + 1);
    const answers = await times(SIGN_INS + 1, (index) =>
      index === at ? end(number % 2 === 0 ? two : one, round) : signIn(index < at ? index : index - 1),
    );
    answers.splice(at, 1);
    await Promise.all(tokens.map((each, index) => assertOver(two, each.id, answers[index])));
  }
}

async function begun(store: Store, number: number): Promise<Round> {
  const base = 1_000 + number * 10;
  const round = {
    tenantId: id(base),
    applicationId: id(base + 1),
    userId: id(base + 2),
    registrationId: id(base + 3),
  };
  const { tenantId, applicationId, userId } = round;
  assert.equal(await store.tenants.insert(tenant(base)), "saved");
  assert.equal(await store.applications.insert(application(base + 1, { tenantId })), "saved");
  const registered = registration(base + 3, { userId, applicationId });
  assert.equal(await store.users.insert(user(base + 2, { tenantId }), registered), "saved");
  return round;
}

async function assertOver(store: Store, tokenId: string, answer: unknown): Promise<void> {
  const row = await store.refreshTokens.find(tokenId);
  if (answer === null) assert.equal(row, null);
  else assert.ok(row === null || row.token.revokedInstant !== null, "no token lives");
}
