// `@latchkey/idp/opentelemetry`: a span for each request and each hashing, everything else as an event on the span that is active,
// which is the request's where an instrumentation of the server makes one. Listeners run in the publisher's async context.

import { SpanKind, SpanStatusCode, trace, type Tracer } from "@opentelemetry/api";
import type { IdpEvent } from "../events.ts";
import { eventName, type FieldOptions, fieldsOf, methodName } from "./fields.ts";
import { isFailedRequest } from "./lines.ts";
import { listen } from "./listening.ts";

/**
 * Traces the events of every provider in this process with `tracer`; what comes back stops it. Attributes are the fields of the log
 * lines; with `addresses: false` none is a client address. A tracer that throws costs a warning of the process, never a request.
 *
 * @example
 * const stop = traceEvents(trace.getTracer("identity-provider"));
 */
export function traceEvents(tracer: Tracer, options: FieldOptions = {}): () => void {
  return listen((event) => {
    if ("milliseconds" in event) return traceWork(tracer, event, options);
    const span = trace.getActiveSpan();
    // An answer may have gone out before what it began is over: its span takes no more.
    if (span?.isRecording() === true)
      span.addEvent(eventName(event.type), fieldsOf(event, options), new Date(event.at));
  });
}

type Work = Extract<IdpEvent, { milliseconds: number }>;

/** Told when it is over, so that the span is made afterwards, with the times it had. */
function traceWork(tracer: Tracer, event: Work, options: FieldOptions): void {
  const span = tracer.startSpan(spanName(event), {
    kind: event.type === "request-answered" ? SpanKind.SERVER : SpanKind.INTERNAL,
    startTime: new Date(event.at - Math.max(0, event.milliseconds)),
    attributes: fieldsOf(event, options),
  });
  if (isFailedRequest(event)) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(new Date(event.at));
}

/** Of few values: names are what spans are grouped by. */
function spanName(event: Work): string {
  if (event.type === "password-hashed") return "password hashing";
  return event.route === null ? methodName(event.method) : `${methodName(event.method)} ${event.route}`;
}
