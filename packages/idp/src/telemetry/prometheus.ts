// `@latchkey/idp/prometheus`: the events, counted. Labels have few values, whatever a client sends: no id, address, path or name is
// ever one. docs/telemetry.md lists the same metrics.

import { Counter, Gauge, Histogram, type OpenMetricsContentType, type Registry } from "prom-client";
import type { IdpEvent } from "../events.ts";
import { methodName } from "./fields.ts";
import { listen } from "./listening.ts";
import { receiverKind, undelivered } from "./undelivered.ts";

/** A registry of prom-client, of either content type. */
export type MetricsRegistry = Registry | Registry<OpenMetricsContentType>;

/**
 * Counts the events of every provider in this process in `register`; what comes back stops it and takes the metrics out again. Call it
 * before `createIdp`, which tells of the signing key. Throws an Error where the registry has metrics of these names already.
 *
 * @example
 * const register = new Registry();
 * const stop = countEvents(register);
 */
export function countEvents(register: MetricsRegistry): () => void {
  const metrics = createMetrics(register);
  begin(metrics);
  const { oldest_undelivered_timestamp_seconds: oldest } = metrics;
  const heardUndelivered = undelivered((receiver, happened) => {
    if (happened === null) oldest.remove({ receiver });
    else oldest.set({ receiver }, happened / 1_000);
  });
  const stop = listen((event) => {
    heardUndelivered(event);
    count(metrics, event);
  });
  return () => {
    stop();
    for (const name of names) register.removeSingleMetric(`${PREFIX}${name}`);
  };
}

const PREFIX = "latchkey_idp_";

const counters = {
  logins_total: { help: "Attempts to sign in, by what became of them.", labels: ["outcome"] },
  lockouts_total: { help: "Lockouts that began.", labels: [] },
  new_devices_total: { help: "Sign-ins on a device the user had not signed in on.", labels: [] },
  password_hashing_refused_total: { help: "503s because too many passwords waited.", labels: [] },
  refresh_tokens_issued_total: { help: "Refresh tokens given at sign-in.", labels: [] },
  refreshes_total: { help: "Refresh tokens presented, by what they were.", labels: ["verdict"] },
  forwards_total: { help: "Refresh tokens newer than the database: it was restored.", labels: [] },
  reuse_detected_total: { help: "Refresh tokens that two parties used: thefts.", labels: [] },
  revocations_total: { help: "Revocations of refresh tokens, by why.", labels: ["reason"] },
  refresh_tokens_swept_total: { help: "Ended refresh tokens that were forgotten.", labels: [] },
  clients_refused_total: { help: "Applications whose credentials were refused.", labels: [] },
  signing_key_rotations_total: { help: "Signing keys made by this process.", labels: [] },
  deliveries_total: { help: "Attempts to deliver an event.", labels: ["receiver", "outcome"] },
  failures_total: { help: "Requests and tasks that failed, by why.", labels: ["code"] },
} as const;

const histograms = {
  request_duration_seconds: { help: "Requests by route.", labels: ["route", "method", "status"] },
  password_hashing_duration_seconds: { help: "Hashing a password.", labels: [] },
  password_hashing_wait_seconds: { help: "Waiting to hash a password.", labels: [] },
  delivery_delay_seconds: { help: "From an event until it was delivered.", labels: ["receiver"] },
} as const;

const gauges = {
  password_hashing_running: { help: "Passwords being hashed when one was last done.", labels: [] },
  password_hashing_waiting: { help: "Passwords waiting when one was last done.", labels: [] },
  signing_key_created_timestamp_seconds: { help: "When the key that signs was made.", labels: [] },
  oldest_undelivered_timestamp_seconds: {
    help: "When the oldest event happened that can't be delivered.",
    labels: ["receiver"],
  },
} as const;

const names = [counters, histograms, gauges].flatMap((table) => Object.keys(table));

/** Seconds. */
const SHORT = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LONG = [0.01, 0.05, 0.25, 1, 5, 30, 120, 600, 3_600, 21_600, 86_400];

type Described = Readonly<Record<string, { readonly help: string; readonly labels: readonly string[] }>>;
type Label<Entry extends Described[string]> = Entry["labels"][number];
type Metrics = { readonly [Name in keyof typeof counters]: Counter<Label<(typeof counters)[Name]>> } & {
  readonly [Name in keyof typeof histograms]: Histogram<Label<(typeof histograms)[Name]>>;
} & { readonly [Name in keyof typeof gauges]: Gauge<Label<(typeof gauges)[Name]>> };

function createMetrics(register: MetricsRegistry): Metrics {
  const registers = [register];
  const described = (table: Described) =>
    Object.entries(table).map(([name, { help, labels }]) => {
      const options = { name: `${PREFIX}${name}`, help, labelNames: [...labels], registers };
      return [name, options] as const;
    });
  return Object.fromEntries([
    ...described(counters).map(([name, options]) => [name, new Counter(options)]),
    ...described(histograms).map(([name, options]) => {
      const buckets = name === "delivery_delay_seconds" ? LONG : SHORT;
      return [name, new Histogram({ ...options, buckets })];
    }),
    ...described(gauges).map(([name, options]) => [name, new Gauge({ ...options, aggregator: "max" })]),
  ]) as Metrics;
}

/** No age is told of a key nobody has seen; what alarms are made of is there before it happens. */
function begin(metrics: Metrics): void {
  metrics.signing_key_created_timestamp_seconds.remove();
  for (const receiver of ["webhook", "mail"])
    metrics.deliveries_total.inc({ receiver, outcome: "given-up" }, 0);
  for (const code of codes) metrics.failures_total.inc({ code }, 0);
}

const codes: ReadonlySet<string> = new Set(["store-unavailable", "hashing-busy", "unexpected"]);

function count(metrics: Metrics, event: IdpEvent): void {
  switch (event.type) {
    case "login-succeeded":
      return metrics.logins_total.inc({ outcome: "succeeded" });
    case "login-failed":
      return metrics.logins_total.inc({ outcome: event.reason });
    case "lockout-started":
      return metrics.lockouts_total.inc();
    case "new-device":
      return metrics.new_devices_total.inc();
    case "password-checked":
      return;
    case "password-hashing-refused":
      return metrics.password_hashing_refused_total.inc();
    case "password-hashed":
      return countHashing(metrics, event);
    case "refresh-token-issued":
      return metrics.refresh_tokens_issued_total.inc();
    case "refresh-token-rotated":
      return metrics.refreshes_total.inc({ verdict: "rotated" });
    case "refresh-token-used":
      return metrics.refreshes_total.inc({ verdict: "used" });
    case "refresh-token-repeated":
      return metrics.refreshes_total.inc({ verdict: "repeated" });
    case "refresh-token-refused":
      return metrics.refreshes_total.inc({ verdict: event.reason });
    case "refresh-token-went-forward":
      return metrics.forwards_total.inc();
    case "refresh-token-reused":
      return countReuse(metrics, event);
    case "refresh-tokens-revoked":
      return metrics.revocations_total.inc({ reason: event.reason });
    case "client-refused":
      return metrics.clients_refused_total.inc();
    case "signing-key-rotated":
      return metrics.signing_key_rotations_total.inc();
    case "signing-key-in-use":
      return metrics.signing_key_created_timestamp_seconds.set(event.since / 1_000);
    case "swept":
      return metrics.refresh_tokens_swept_total.inc(event.refreshTokens);
    case "event-delivered":
    case "event-not-delivered":
    case "event-given-up":
      return countDelivery(metrics, event);
    case "request-answered":
      return countRequest(metrics, event);
    case "failed":
      return metrics.failures_total.inc({ code: codeOf(event) });
  }
}

type Told<Type extends IdpEvent["type"]> = Extract<IdpEvent, { type: Type }>;

function countHashing(metrics: Metrics, event: Told<"password-hashed">): void {
  metrics.password_hashing_duration_seconds.observe(seconds(event.milliseconds));
  metrics.password_hashing_wait_seconds.observe(seconds(event.waited));
  metrics.password_hashing_running.set(event.running);
  metrics.password_hashing_waiting.set(event.waiting);
}

function countReuse(metrics: Metrics, { presented }: Told<"refresh-token-reused">): void {
  metrics.reuse_detected_total.inc();
  // Null: an application found it by its cookies, and no token was presented.
  if (presented !== null) metrics.refreshes_total.inc({ verdict: "reused" });
}

const outcomes = {
  "event-delivered": "delivered",
  "event-not-delivered": "failed",
  "event-given-up": "given-up",
} as const;

function countDelivery(metrics: Metrics, event: Told<keyof typeof outcomes>): void {
  const receiver = receiverKind(event.receiver);
  metrics.deliveries_total.inc({ receiver, outcome: outcomes[event.type] });
  if (event.type === "event-delivered")
    metrics.delivery_delay_seconds.observe({ receiver }, seconds(event.waited));
}

function countRequest(metrics: Metrics, event: Told<"request-answered">): void {
  const { route, method, status, milliseconds } = event;
  const labels = {
    route: route ?? "none",
    method: methodName(method),
    status: `${Math.trunc(status / 100)}xx`,
  };
  metrics.request_duration_seconds.observe(labels, seconds(milliseconds));
}

function codeOf({ code, name }: Told<"failed">): string {
  // Tasks beside requests say the name alone.
  if (name === "StoreUnavailableError") return "store-unavailable";
  return code !== null && codes.has(code) ? code : "unexpected";
}

function seconds(milliseconds: number): number {
  // A clock that was set back meanwhile.
  return Math.max(0, milliseconds) / 1_000;
}
