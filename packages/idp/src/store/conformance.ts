// The contract of the provider's store (store.ts) as tests that every store has to pass whole, on any runner with `describe`, `test`,
// `beforeEach` and `afterEach`: vitest, node:test, jest. Assertions are node:assert's. Nothing is skipped for anybody.
// Needs no server and no runner of its own: what is particular to a store is its harness.

import { absentCases } from "./conformance/absent.ts";
import { attemptCases } from "./conformance/attempts.ts";
import { deviceCases } from "./conformance/devices.ts";
import { keyCases } from "./conformance/keys.ts";
import { largeCases } from "./conformance/large.ts";
import { meanwhileCases } from "./conformance/meanwhile.ts";
import { noteCases } from "./conformance/notes.ts";
import { oddCases } from "./conformance/odd.ts";
import { onceCases } from "./conformance/once.ts";
import { outageCases } from "./conformance/outage.ts";
import { outboxCases } from "./conformance/outbox.ts";
import { recordCases } from "./conformance/records-kept.ts";
import { revocationCases } from "./conformance/revocation.ts";
import { rotationCases } from "./conformance/rotation.ts";
import { signInCases } from "./conformance/sign-ins.ts";
import { skewCases } from "./conformance/skew.ts";
import { sweepCases } from "./conformance/sweep.ts";
import { userCases } from "./conformance/users.ts";
import { webhookCases } from "./conformance/webhooks.ts";
import type { Clock } from "./conformance/records.ts";
import type { Store } from "./store.ts";

export type { Clock } from "./conformance/records.ts";
export type { Store } from "./store.ts";

/** The tables of which the suite damages a row. */
export type Damaged = "users" | "applications" | "refresh_tokens" | "outbox";

/** The store under test, and what can be done to it from outside. */
export interface StoreHarness {
  readonly name: string;
  /** Makes the data empty, or others; called before each case. */
  fresh(): Promise<void>;
  /**
   * A handle on this case's data that goes by `now` and tells users by mail; two of them are two nodes. The suite closes each. A store
   * that has only one handle in a process gives the same one again for the same `now`.
   */
  open(now: () => number): Promise<Store>;
  /** Puts text that is no JSON into the rows of a table, past the store. */
  damage(table: Damaged): Promise<void>;
  /**
   * Puts so many refresh tokens beside this one, past the store: each like it, with an id of its own, begun a millisecond later than the
   * one before.
   */
  multiply(tokenId: string, count: number): Promise<void>;
  /**
   * Makes the store unable to answer, the way it really comes about: its server killed; or these handles closed, where it has no server.
   * `end` undoes that and answers handles that have to work at once: the same ones, unless the store is part of the process.
   */
  outage(stores: readonly Store[]): Promise<{ end(): Promise<readonly Store[]> }>;
  /** Somebody else holds what every change needs, and does not let go until `release`. */
  hold(): Promise<{ release(): Promise<void> }>;
  /** After how many milliseconds at the latest a change that meets that gives up. */
  readonly deadline: number;
}

/** What the suite needs of a test runner. A case may take 10 seconds, those of large data and of an outage 60. */
export interface Runner {
  describe(name: string, cases: () => void): unknown;
  test(name: string, body: () => Promise<void>): unknown;
  beforeEach(body: () => Promise<void>): unknown;
  afterEach(body: () => Promise<void>): unknown;
}

/** Where a case takes place: two nodes that go by one clock, on data in which nothing is yet. */
export interface Place {
  readonly one: Store;
  readonly two: Store;
  readonly clock: Clock;
  /** Another node, which goes by a clock of its own. */
  open(now: () => number): Promise<Store>;
}

/** The cases of a topic by their names: each has a place of its own. */
export type Cases = Readonly<Record<string, (place: Place, harness: StoreHarness) => Promise<void>>>;

const TOPICS: Readonly<Record<string, Cases>> = {
  "what is absent": absentCases,
  "tenants, applications, registrations": recordCases,
  users: userCases,
  keys: keyCases,
  notes: noteCases,
  "signing in": signInCases,
  "what ends meanwhile": meanwhileCases,
  rotation: rotationCases,
  revocation: revocationCases,
  "what happens once": onceCases,
  attempts: attemptCases,
  devices: deviceCases,
  webhooks: webhookCases,
  "the outbox": outboxCases,
  sweeping: sweepCases,
  "nodes whose clocks differ": skewCases,
  "odd data": oddCases,
  "large data": largeCases,
  "an outage": outageCases,
};

/**
 * Declares every case of the contract for one store.
 *
 * @example
 * import { afterEach, beforeEach, describe, test } from "node:test";
 * storeConformance(harness, { describe, test, beforeEach, afterEach });
 */
export function storeConformance(harness: StoreHarness, runner: Runner): void {
  const { describe, test, beforeEach, afterEach } = runner;
  describe(`${harness.name} keeps the contract of the provider's store`, () => {
    const opened = new Set<Store>();
    let current: Place | null = null;
    const place = (): Place => {
      if (current === null) throw new Error("The place of a case is there while it runs");
      return current;
    };
    const open = async (now: () => number): Promise<Store> => {
      const store = await harness.open(now);
      opened.add(store);
      return store;
    };
    beforeEach(async () => {
      await harness.fresh();
      const clock: Clock = { now: START };
      const now = (): number => clock.now;
      current = { one: await open(now), two: await open(now), clock, open };
    });
    afterEach(async () => {
      current = null;
      const stores = [...opened];
      opened.clear();
      await Promise.all(stores.map((store) => store.close()));
    });
    for (const [topic, cases] of Object.entries(TOPICS)) {
      describe(topic, () => {
        for (const [name, body] of Object.entries(cases)) test(name, () => body(place(), harness));
      });
    }
  });
}

const START = Date.UTC(2026, 0, 1);
