/**
 * Everything that a process tells of itself, kept: a real pino logger on a stream, a real registry, a real tracer, and what an
 * instrumentation of the HTTP server does, so that each request has a span that is active while it is dealt with.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { pino } from "pino";
import { Registry } from "prom-client";
import { printed } from "../../../test/leak-watch.ts";
import * as idpLogs from "../../idp/src/telemetry/pino.ts";
import * as idpMetrics from "../../idp/src/telemetry/prometheus.ts";
import * as idpTraces from "../../idp/src/telemetry/opentelemetry.ts";
import { traceEvents } from "../src/telemetry/opentelemetry.ts";
import { logEvents } from "../src/telemetry/pino.ts";
import { countEvents } from "../src/telemetry/prometheus.ts";

/** A line of log, parsed. */
export type Line = Readonly<Record<string, unknown>>;

/** What was told so far. */
export interface Observer {
  readonly register: Registry;
  readonly spans: InMemorySpanExporter;
  /** As they were written. */
  text(): string;
  lines(): Line[];
  /** Names of metrics with labels, and their values. */
  metrics(): Promise<Map<string, number>>;
  /** Stops listening, and has all of it searched for secrets. */
  stop(): Promise<void>;
}

/** Observes both packages from now on, at the lowest level there is. */
export function observe(options: { addresses?: boolean } = {}): Observer {
  let text = "";
  const logger = pino({ level: "trace" }, { write: (chunk: string) => void (text += chunk) });
  const register = new Registry();
  const spans = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const tracer = provider.getTracer("test");
  const stops = [
    logEvents(logger, options),
    countEvents(register),
    traceEvents(tracer, options),
    idpLogs.logEvents(logger, options),
    idpMetrics.countEvents(register),
    idpTraces.traceEvents(tracer, options),
    instrumentServers(tracer),
  ];
  return {
    register,
    spans,
    text: () => text,
    lines: () => linesOf(text),
    metrics: async () => samplesOf(await register.metrics()),
    async stop() {
      printed(text);
      printed(await register.metrics());
      for (const { name, attributes, events, status } of spans.getFinishedSpans())
        printed(JSON.stringify([name, attributes, events, status]));
      for (const stop of stops) stop();
    },
  };
}

/** Each line as JSON; a line that is none fails the test that asks. */
export function linesOf(text: string): Line[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Line => JSON.parse(line));
}

function samplesOf(text: string): Map<string, number> {
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** A span around each request to a node:http server, active while it is dealt with. */
function instrumentServers(tracer: Tracer): () => void {
  const storage = new AsyncLocalStorage<Context>();
  context.setGlobalContextManager(contextManager(storage));
  const started = (message: unknown) => {
    const { response } = message as { response: { once(event: "close", listener: () => void): void } };
    const span = tracer.startSpan("request", {}, ROOT_CONTEXT);
    response.once("close", () => span.end());
    storage.enterWith(trace.setSpan(ROOT_CONTEXT, span));
  };
  subscribe("http.server.request.start", started);
  return () => {
    unsubscribe("http.server.request.start", started);
    context.disable();
  };
}

function contextManager(storage: AsyncLocalStorage<Context>): ContextManager {
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, self, ...args) => storage.run(active, () => run.call(self, ...args)),
    bind: (active, target) =>
      typeof target === "function"
        ? storage.run(active, () => AsyncLocalStorage.bind(target as never))
        : target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
