/**
 * The contract of session stores (store.ts) as tests that any store has to pass whole, on any runner with `describe`, `test`,
 * `beforeEach` and `afterEach`: vitest, node:test, jest. Assertions are node:assert's. Nothing here is skipped for anybody:
 * where stores may differ, the harness declares how, and that is tested instead.
 */
import { largeCases } from "./conformance/large.ts";
import { listingCases } from "./conformance/listing.ts";
import { oddCases } from "./conformance/odd.ts";
import { outageCases } from "./conformance/outage.ts";
import { sessionCases } from "./conformance/sessions.ts";
import { signInCases } from "./conformance/sign-ins.ts";
import { skewCases } from "./conformance/skew.ts";
import { sweepCases } from "./conformance/sweep.ts";
import { twoHandleCases } from "./conformance/two-handles.ts";
import type { SessionRecord, SessionStore, SignInRecord } from "./store.ts";

/** The store under test, and what can be done to it from outside. */
export interface StoreHarness {
  readonly name: string;
  /** Makes the data empty, or others; called before each case. */
  fresh(): Promise<void>;
  /**
   * A handle on this case's data; two of them are two nodes on the same data. The suite closes each. A store that knows no second
   * handle, because its data are its own, gives the same one again.
   */
  open(): Promise<SessionStore>;
  /**
   * Puts something that is no record where the session of that hash and the sign-in of that id would be, and into every index that
   * leads there: a live one of `user-1` in `store`, older than any other, that owes its revocation.
   */
  plantMalformed(key: string): Promise<void>;
  /**
   * Puts a session and a sign-in there as the first release of this store wrote them; `null` where every release wrote as much as
   * this one.
   */
  readonly plantEarlier: ((session: EarlierSession, signIn: EarlierSignIn) => Promise<void>) | null;
  /**
   * Makes the store unable to answer, the way it really comes about: killed, locked, closed. `end` undoes that; handles that are open
   * then answer again by themselves, within ten seconds.
   */
  outage(): Promise<{ end(): Promise<void> }>;
  /** What is there when the outage is over: all that was acknowledged, or nothing at all. */
  readonly keeps: "what was acknowledged" | "nothing";
}

/** A session as it was before sessions could be questioned. */
export type EarlierSession = Omit<SessionRecord, "questionedAt">;

/** A sign-in as it was before stores could be shared and sessions were minted for an address. */
export type EarlierSignIn = Omit<SignInRecord, "application" | "mintedFor">;

/** What the suite needs of a test runner. A case may take twenty seconds, those of an outage thirty; not more than a hundred calls are under way at once. */
export interface Runner {
  describe(name: string, cases: () => void): unknown;
  test(name: string, body: () => Promise<void>): unknown;
  beforeEach(body: () => Promise<void>): unknown;
  afterEach(body: () => Promise<void>): unknown;
}

/** The two handles of the case that runs; one and the same where the store knows no second. */
export interface Handles {
  readonly one: SessionStore;
  readonly two: SessionStore;
}

/** What the cases of a topic are made with. */
export interface Topic {
  readonly harness: StoreHarness;
  readonly test: Runner["test"];
  /** The handles of the case that runs. */
  readonly handles: () => Handles;
}

/**
 * Declares every case of the contract for one store.
 *
 * @example
 * import { afterEach, beforeEach, describe, test } from "node:test";
 * sessionStoreConformance(harness, { describe, test, beforeEach, afterEach });
 */
export function sessionStoreConformance(harness: StoreHarness, runner: Runner): void {
  const { describe, test, beforeEach, afterEach } = runner;
  const topics = {
    "a session": sessionCases,
    "a sign-in": signInCases,
    listing: listingCases,
    sweeping: sweepCases,
    "two nodes": twoHandleCases,
    "nodes whose clocks differ": skewCases,
    "odd records": oddCases,
    "large data": largeCases,
    "an outage": outageCases,
  };
  describe(`${harness.name} keeps the contract of session stores`, () => {
    let opened: Handles | null = null;
    const handles = (): Handles => {
      if (opened === null) throw new Error("handles are opened before each case");
      return opened;
    };
    beforeEach(async () => {
      await harness.fresh();
      opened = { one: await harness.open(), two: await harness.open() };
    });
    afterEach(async () => {
      const { one, two } = handles();
      opened = null;
      await Promise.all([one.close(), two.close()]);
    });
    for (const [name, cases] of Object.entries(topics)) {
      describe(name, () => cases({ harness, test, handles }));
    }
  });
}
