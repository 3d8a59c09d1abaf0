/** A store that can't answer says so, in time; afterwards it is as the harness declares, and nothing has come back to life. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Handles, Topic } from "../conformance.ts";
import type { SessionStore } from "../store.ts";
import { ended, idle, minute, session, signIn, start, until } from "./records.ts";

/** Milliseconds within which every call has to settle. */
const patience = 2_000;

/** Milliseconds after which a store that is back has to answer. */
const recovery = 10_000;

const of = { application: "store", userId: "user-1", after: null, limit: 10 };

/** The cases of an outage. */
export function outageCases(topic: Topic): void {
  during(topic);
  afterwards(topic);
  waiting(topic);
}

async function fill({ one }: Handles): Promise<void> {
  await one.insertSession(session());
  await one.insertSignIn(signIn());
  await one.insertSession(session({ hash: "ended" }));
  await one.insertSignIn(signIn({ id: "ended", current: "ended" }));
  await one.updateSignIn(ended(signIn({ id: "ended", current: "ended" }), "signed-out", true));
  await one.deleteSession("ended");
  await one.questionSession("hash-1", start + 1);
}

async function settled(name: string, call: Promise<unknown>): Promise<{ value: unknown } | "rejected"> {
  const outcome = call.then(
    (value) => ({ value }),
    () => "rejected" as const,
  );
  const first = await Promise.race([outcome, delay(patience, "late" as const, { ref: false })]);
  if (first === "late") assert.fail(`${name} had not settled after ${patience} ms`);
  return first;
}

function during({ test, handles, harness }: Topic): void {
  test("makes every call settle within two seconds: what reads rejects or tells the truth, what writes rejects", async () => {
    await fill(handles());
    const { one: store } = handles();
    const expected = session({ questionedAt: start + 1 });
    const reads: readonly [string, () => Promise<unknown>, unknown][] = [
      ["useSession", () => store.useSession("hash-1", start, idle), expected],
      ["readSession", () => store.readSession("hash-1", start), expected],
      ["readSignIn", () => store.readSignIn("sign-in-1"), signIn()],
      ["liveSignIns", () => store.liveSignIns(of), [signIn()]],
      [
        "signInsOwingRevocation",
        () => store.signInsOwingRevocation(10),
        [ended(signIn({ id: "ended", current: "ended" }), "signed-out", true)],
      ],
    ];
    const writes: readonly [string, () => Promise<unknown>][] = [
      ["insertSession", () => store.insertSession(session({ hash: "hash-2" }))],
      ["updateSession", () => store.updateSession(session({ presented: true }))],
      ["questionSession", () => store.questionSession("hash-1", start + 2)],
      ["deleteSession", () => store.deleteSession("hash-1")],
      ["insertSignIn", () => store.insertSignIn(signIn({ id: "sign-in-2" }))],
      ["updateSignIn", () => store.updateSignIn(signIn({ version: 1 }))],
    ];
    const outage = await harness.outage();
    try {
      for (const [name, call, truth] of reads) {
        const outcome = await settled(name, call());
        if (outcome !== "rejected") assert.deepEqual(outcome.value, truth, name);
      }
      for (const [name, call] of writes) assert.equal(await settled(name, call()), "rejected", name);
      await settled("sweep", store.sweep(start));
    } finally {
      await outage.end();
    }
  });
}

async function isBack({ one, two }: Handles): Promise<void> {
  for (const store of [one, two]) {
    await until(async () => {
      await store.readSignIn("sign-in-1");
      await store.deleteSession("nobody's");
      return true;
    }, recovery);
  }
}

function afterwards({ test, handles, harness }: Topic): void {
  test(`leaves ${harness.keeps}, and handles that were open go on by themselves`, async () => {
    await fill(handles());
    const outage = await harness.outage();
    await handles()
      .one.useSession("hash-1", start, idle)
      .catch(() => null);
    await outage.end();
    await isBack(handles());
    const { one, two } = handles();
    for (const store of [one, two]) await (harness.keeps === "nothing" ? isEmpty(store) : isAsFilled(store));
    assert.equal(await one.insertSession(session({ hash: "new" })), true);
    assert.equal(await one.insertSignIn(signIn({ id: "new" })), true);
    assert.deepEqual(await two.readSession("new", start), session({ hash: "new" }));
  });
}

async function isAsFilled(store: SessionStore): Promise<void> {
  assert.deepEqual(await store.readSession("hash-1", start), session({ questionedAt: start + 1 }));
  assert.deepEqual(await store.liveSignIns(of), [signIn()]);
  assert.equal(await store.readSession("ended", start), null);
  assert.notEqual((await store.readSignIn("ended"))?.ended, null);
  assert.equal((await store.signInsOwingRevocation(10)).length, 1);
}

async function isEmpty(store: SessionStore): Promise<void> {
  assert.equal(await store.readSession("hash-1", start), null);
  assert.deepEqual(await store.liveSignIns(of), []);
  assert.equal(await store.readSignIn("ended"), null);
  assert.deepEqual(await store.signInsOwingRevocation(10), []);
}

function waiting({ test, handles, harness }: Topic): void {
  test("brings nothing back: an extension that waited through it finds its session ended", async () => {
    const { one, two } = handles();
    await one.insertSession(session());
    await one.useSession("hash-1", start + minute, idle);
    const outage = await harness.outage();
    await one.useSession("hash-1", start + 2 * minute, idle).catch(() => null);
    await outage.end();
    await isBack(handles());
    await two.deleteSession("hash-1");
    // Once this one has reached the other handle, whatever waited has been written.
    await one.insertSession(session({ hash: "later" }));
    await one.useSession("later", start + minute, idle);
    const limit = start + minute + idle;
    await until(async () => (await two.readSession("later", start))?.expiresAt === limit, recovery);
    for (const store of [one, two]) assert.equal(await store.readSession("hash-1", start), null);
    assert.equal(await one.updateSession(session()), false);
  });
}
