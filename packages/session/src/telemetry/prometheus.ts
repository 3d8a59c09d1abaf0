/**
 * `@latchkey/session/prometheus`: the events, counted. Labels have few values, whatever a client sends: no id, address, path or name
 * is ever one. docs/telemetry.md lists the same metrics.
 */
import { Counter, Gauge, Histogram, type OpenMetricsContentType, type Registry } from "prom-client";
import type { PublishedSessionEvent } from "../events.ts";
import { providerCallName, statusClass, storeCallName } from "./calls.ts";
import { listen } from "./listening.ts";

/** A registry of prom-client, of either content type. */
export type MetricsRegistry = Registry | Registry<OpenMetricsContentType>;

/**
 * Counts the events of every application in this process in `register`; what comes back stops it and takes the metrics out again.
 * Throws an Error where the registry has metrics of these names already: count once in each registry.
 *
 * @example
 * const register = new Registry();
 * const stop = countEvents(register);
 */
export function countEvents(register: MetricsRegistry): () => void {
  const metrics = createMetrics(register);
  const applications = new Set<string>();
  const stop = listen((event) => {
    if (!applications.has(event.application)) begin(metrics, event.application);
    applications.add(event.application);
    count(metrics, event);
  });
  return () => {
    stop();
    for (const name of names) register.removeSingleMetric(`${prefix}${name}`);
  };
}

const prefix = "latchkey_session_";

/** Each has the label `application` besides. */
const counters = {
  sign_ins_total: { help: "Attempts to sign in, by what became of them.", labels: ["outcome"] },
  sessions_created_total: { help: "Sessions made, by signing in or by renewal.", labels: [] },
  sessions_extended_total: { help: "Requests that found a session.", labels: [] },
  renewals_total: { help: "Pairs of cookies exchanged, by what the old pair was.", labels: ["judgement"] },
  revalidations_total: { help: "Sessions whose user the provider still stood by.", labels: [] },
  sign_ins_ended_total: { help: "Sign-ins that ended, by why.", labels: ["reason"] },
  reuse_detected_total: { help: "Pairs of cookies that two browsers used: thefts.", labels: [] },
  mismatched_pairs_total: { help: "Refresh cookies without the session they belong to.", labels: [] },
  duplicate_cookies_total: { help: "Requests with two cookies of one name.", labels: [] },
  devices_not_owned_total: { help: "Sign-ins that somebody else's user wanted to end.", labels: [] },
  cross_site_refused_total: { help: "Requests of other sites that were refused.", labels: ["reason"] },
  password_changes_total: { help: "Attempts to change a password, by outcome.", labels: ["outcome"] },
  revocations_owed_total: { help: "Failed attempts to tell the provider of an end.", labels: [] },
  revocations_paid_total: { help: "Ends that the provider was told of.", labels: [] },
  webhooks_received_total: { help: "Events of the provider that were dealt with.", labels: [] },
  webhooks_refused_total: { help: "Webhooks that were refused, by why.", labels: ["reason"] },
  unavailable_total: { help: "Requests that met something that is down.", labels: ["code"] },
} as const;

const histograms = {
  provider_call_duration_seconds: { help: "Calls of the provider.", labels: ["call", "status"] },
  store_call_duration_seconds: { help: "Calls of the session store.", labels: ["call", "outcome"] },
} as const;

const gauges = {
  circuit_open: { help: "1 while it is not asked because it did not answer.", labels: ["what"] },
} as const;

const names = [counters, histograms, gauges].flatMap((table) => Object.keys(table));

/** Seconds: from a look-up in memory to the longest that a provider is waited for. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Described = Readonly<Record<string, { readonly help: string; readonly labels: readonly string[] }>>;
type LabelsOf<Entry extends Described[string]> = Entry["labels"][number] | "application";
type Metrics = { readonly [Name in keyof typeof counters]: Counter<LabelsOf<(typeof counters)[Name]>> } & {
  readonly [Name in keyof typeof histograms]: Histogram<LabelsOf<(typeof histograms)[Name]>>;
} & { readonly [Name in keyof typeof gauges]: Gauge<LabelsOf<(typeof gauges)[Name]>> };

function createMetrics(register: MetricsRegistry): Metrics {
  const registers = [register];
  const described = (table: Described) =>
    Object.entries(table).map(([name, { help, labels }]) => {
      const options = { name: `${prefix}${name}`, help, labelNames: ["application", ...labels], registers };
      return [name, options] as const;
    });
  return Object.fromEntries([
    ...described(counters).map(([name, options]) => [name, new Counter(options)]),
    ...described(histograms).map(([name, options]) => [name, new Histogram({ ...options, buckets })]),
    ...described(gauges).map(([name, options]) => [name, new Gauge({ ...options, aggregator: "max" })]),
  ]) as Metrics;
}

/** What alarms are made of has to be there before it happens: a series that begins with 1 has not risen. */
function begin(metrics: Metrics, application: string): void {
  metrics.reuse_detected_total.inc({ application }, 0);
  metrics.revocations_owed_total.inc({ application }, 0);
  metrics.revocations_paid_total.inc({ application }, 0);
  for (const what of ["session-store", "identity-provider"])
    metrics.circuit_open.set({ application, what }, 0);
}

const codes: ReadonlySet<string> = new Set([
  "session-store-unavailable",
  "identity-provider-unavailable",
  "identity-provider-misconfigured",
  "unexpected",
]);

function count(metrics: Metrics, event: PublishedSessionEvent): void {
  const { application } = event;
  switch (event.type) {
    case "signed-in":
      return metrics.sign_ins_total.inc({ application, outcome: "signed-in" });
    case "sign-in-refused":
      return metrics.sign_ins_total.inc({ application, outcome: event.reason });
    case "session-created":
      return metrics.sessions_created_total.inc({ application });
    case "session-extended":
      return metrics.sessions_extended_total.inc({ application });
    case "renewed":
      return metrics.renewals_total.inc({ application, judgement: event.judgement });
    case "revalidated":
      return metrics.revalidations_total.inc({ application });
    case "sign-in-ended":
      return metrics.sign_ins_ended_total.inc({ application, reason: event.reason });
    case "device-not-owned":
      return metrics.devices_not_owned_total.inc({ application });
    case "password-changed":
      return metrics.password_changes_total.inc({ application, outcome: "changed" });
    case "password-change-refused":
      return metrics.password_changes_total.inc({ application, outcome: event.reason });
    case "reuse-detected":
      return metrics.reuse_detected_total.inc({ application });
    case "mismatched-pair":
      return metrics.mismatched_pairs_total.inc({ application });
    case "duplicate-cookies":
      return metrics.duplicate_cookies_total.inc({ application });
    case "cross-site-refused":
      return metrics.cross_site_refused_total.inc({ application, reason: event.reason });
    case "revocation-owed":
      return metrics.revocations_owed_total.inc({ application });
    case "revocation-paid":
      return metrics.revocations_paid_total.inc({ application });
    case "webhook-received":
      return metrics.webhooks_received_total.inc({ application });
    case "webhook-refused":
      return metrics.webhooks_refused_total.inc({ application, reason: event.reason });
    case "unavailable":
      return metrics.unavailable_total.inc({
        application,
        code: codes.has(event.code) ? event.code : "other",
      });
    case "provider-called":
    case "store-called":
      return time(metrics, event);
    case "circuit-opened":
    case "circuit-closed":
      return metrics.circuit_open.set(
        { application, what: event.what },
        Number(event.type === "circuit-opened"),
      );
  }
}

type Call = Extract<PublishedSessionEvent, { readonly milliseconds: number }>;

function time(metrics: Metrics, event: Call): void {
  const { application } = event;
  // A clock that was set back meanwhile.
  const seconds = Math.max(0, event.milliseconds) / 1_000;
  if (event.type === "store-called") {
    const labels = { application, call: storeCallName(event.call), outcome: event.outcome };
    return metrics.store_call_duration_seconds.observe(labels, seconds);
  }
  const labels = { application, call: providerCallName(event.call), status: statusClass(event.status) };
  return metrics.provider_call_duration_seconds.observe(labels, seconds);
}
