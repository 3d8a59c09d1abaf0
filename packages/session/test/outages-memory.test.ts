// Every way a store can fail, on one that does what it is told: refused, hanging, slow, wrong in every way.
import { memoryStore } from "../src/index.ts";
import { faultyStore, type Spoil } from "./faulty-store.ts";
import { storeOutages } from "./outage-suite.ts";

let store = faultyStore(memoryStore());

const spoiling = (that: string, spoil: Spoil) => ({
  that,
  begin: async () => {
    store.spoil = spoil;
    return () => {
      store.spoil = null;
    };
  },
});

/** Nobody waits any more when it happens: it happens when the outage ends. */
const late = (that: string, happens: Spoil) => ({
  that,
  begin: async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    store.spoil = (reach, method) => ended.then(() => happens(reach, method));
    return () => {
      store.spoil = null;
      end();
    };
  },
});

const changed = (change: (record: object) => unknown): Spoil => {
  const each = (answer: unknown): unknown => {
    if (Array.isArray(answer)) return answer.map(each);
    return typeof answer === "object" && answer !== null ? change(answer) : "neither yes nor no";
  };
  return async (reach) => each(await reach());
};
const without = (member: string): Spoil =>
  changed((record) => Object.fromEntries(Object.entries(record).filter(([name]) => name !== member)));

storeOutages({
  name: "memory",
  storeDeadline: "100ms",
  open: () => (store = faultyStore(memoryStore())),
  outages: [
    spoiling("refuses", () => Promise.reject(new Error("connection refused"))),
    spoiling("throws before it promises anything", () => {
      throw new TypeError("undefined is not a function");
    }),
    spoiling("rejects with nothing", () => Promise.reject()),
    spoiling("says nothing", () => new Promise(() => {})),
    spoiling("says nothing and does it all the same", (reach) => reach().then(() => new Promise(() => {}))),
    late("answers after everybody stopped waiting", (reach) => reach()),
    late("breaks off after everybody stopped waiting", () => Promise.reject(new Error("connection reset"))),
    spoiling("answers without promising", () => ({ hash: "h" }) as unknown as Promise<unknown>),
    spoiling("answers undefined", async () => undefined),
    spoiling("answers a page", async () => "<h1>Bad Gateway</h1>"),
    spoiling(
      "answers with empty objects",
      changed(() => ({})),
    ),
    spoiling(
      "answers with arrays",
      changed(() => []),
    ),
    ...["hash", "signInId", "user", "expiresAt", "absoluteExpiresAt", "vouchedAt", "presented"].map(
      (member) => spoiling(`answers without "${member}"`, without(member)),
    ),
    spoiling(
      "answers with texts for times",
      changed((record) => ({ ...record, expiresAt: "tomorrow", absoluteExpiresAt: "2101", mintedAt: "now" })),
    ),
    spoiling(
      "answers with times that are none",
      changed((record) => ({ ...record, absoluteExpiresAt: Number.NaN, expiresAt: Number.NaN })),
    ),
    spoiling(
      "answers with somebody else's records",
      changed((record) => ({ ...record, id: "another", hash: "another" })),
    ),
    spoiling(
      "answers with nobody's records",
      changed((record) => ({ ...record, user: null })),
    ),
  ],
});
