// Fills databases with as many records as it is told, sees that the store reads them as they were meant, and says what they take.
// Nothing is measured while it runs.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { Redis } from "ioredis";
import { createIdp } from "../../packages/idp/src/index.ts";
import { postgresStore } from "../../packages/session/src/store/postgres.ts";
import { redisStore } from "../../packages/session/src/store/redis.ts";
import { sqliteStore } from "../../packages/session/src/store/sqlite.ts";
import type { SessionStore } from "../../packages/session/src/store/store.ts";
import { present } from "../candidate.ts";
import * as records from "../scenarios/growth/made.ts";
import { firstPerson, providerConfig } from "../scenarios/growth/provider.ts";
import { commands, fillSessions, fillSignIns } from "../scenarios/growth/redis-records.ts";
import * as tables from "../scenarios/growth/tables.ts";

/** What is to be filled, and where. */
interface Order extends records.Made {
  readonly where: string;
}

/** Bytes of all sessions; then of all sign-ins, with their lists. Empty where that is not asked. */
type Bytes = readonly number[];

async function redis(order: Order): Promise<Bytes> {
  const client = new Redis(order.where);
  const used = async () => Number(/used_memory:(\d+)/.exec(await client.info("memory"))?.[1]);
  const empty = await used();
  const open = () => redisStore({ url: order.where, application: records.application });
  await firstOnes(open(), order);
  const port = client.options.port ?? 0;
  await commands(port, (send) => fillSessions(send, order));
  const withSessions = await used();
  await commands(port, (send) => fillSignIns(send, order));
  const withAll = await used();
  client.disconnect();
  await verify(open(), order);
  return [withSessions - empty, withAll - withSessions];
}

async function sqlite(order: Order): Promise<Bytes> {
  const { where } = order;
  const open = () => sqliteStore({ path: where });
  await firstOnes(open(), order);
  const { sessions, signIns } = tables.sessionTables("");
  const filling = tables.sqliteTables(where);
  await filling.number(tables.sessionNumbers, order);
  await filling.fill(sessions, order);
  const withSessions = statSync(where).size;
  await filling.fill(signIns, order);
  await filling.close();
  const withAll = statSync(where).size;
  await verify(open(), order);
  return [withSessions, withAll - withSessions];
}

async function postgres(order: Order): Promise<Bytes> {
  const open = () => postgresStore({ url: order.where });
  await firstOnes(open(), order);
  const { sessions, signIns } = tables.sessionTables("latchkey.");
  const filling = await tables.postgresTables(order.where);
  await filling.number(tables.sessionNumbers, order);
  await filling.fill(sessions, order);
  await filling.fill(signIns, order);
  await filling.close();
  await verify(open(), order);
  return [];
}

// Whoever asks the provider for one of them sees whether it is right.
async function provider(order: Order, filling: () => tables.Tables | Promise<tables.Tables>): Promise<Bytes> {
  const idp = await createIdp(providerConfig(order.where));
  await firstPerson(idp);
  await idp.close();
  const filled = await filling();
  await filled.number(tables.providerNumbers, order);
  for (const table of tables.providerTables) await filled.fill(table, order);
  await filled.close();
  return [];
}

async function firstOnes(store: SessionStore, made: records.Made): Promise<void> {
  await store.insertSession(records.sessionOf(0, made));
  await store.insertSignIn(records.signInOf(0, made));
  await store.close();
}

// Some of them, all over the place, and their owners' lists.
async function verify(store: SessionStore, made: records.Made): Promise<void> {
  const { application, each } = records;
  const some = Array.from({ length: 50 }, (_, index) => Math.floor((index * made.size) / 50));
  for (const index of [...some, made.size - 1]) {
    const session = records.sessionOf(index, made);
    assert.deepEqual(await store.readSession(session.hash, made.at), session);
    const signIn = records.signInOf(index, made);
    assert.deepEqual(await store.readSignIn(signIn.id), signIn);
    const of = { application, userId: signIn.user.id, after: null, limit: 100 };
    const live = await store.liveSignIns(of);
    assert.equal(live.length, each);
    assert.ok(live.some(({ id }) => id === signIn.id));
  }
  await store.close();
}

const fillings: Readonly<Record<string, (order: Order) => Promise<Bytes>>> = {
  redis,
  sqlite,
  postgres,
  "provider-sqlite": (order) => provider(order, () => tables.sqliteTables(order.where)),
  "provider-postgres": (order) => provider(order, () => tables.postgresTables(order.where)),
};

present({
  port: 0,
  answers: Object.fromEntries(
    Object.entries(fillings).map(([what, fill]) => [what, (order) => fill(order as Order)]),
  ),
});
