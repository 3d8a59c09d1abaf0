/**
 * `@latchkey/session/opentelemetry`: calls of provider and store as spans, everything else as an event on the span that is active,
 * which is the request's where an instrumentation of the server makes one. Listeners run in the publisher's async context.
 */
import { SpanKind, SpanStatusCode, trace, type Tracer } from "@opentelemetry/api";
import type { PublishedSessionEvent } from "../events.ts";
import { providerCallName, storeCallName } from "./calls.ts";
import { eventName, type FieldOptions, fieldsOf } from "./fields.ts";
import { isFailedCall } from "./lines.ts";
import { listen } from "./listening.ts";

/**
 * Traces the events of every application in this process with `tracer`; what comes back stops it. Attributes are the fields of the
 * log lines; with `addresses: false` none is a client address. A tracer that throws costs a warning of the process, never a request.
 *
 * @example
 * const stop = traceEvents(trace.getTracer("shop"));
 */
export function traceEvents(tracer: Tracer, options: FieldOptions = {}): () => void {
  return listen((event) => {
    if ("milliseconds" in event) return traceCall(tracer, event, options);
    const span = trace.getActiveSpan();
    // An answer may have gone out before what it began is over: its span takes no more.
    if (span?.isRecording() === true)
      span.addEvent(eventName(event.type), fieldsOf(event, options), new Date(event.at));
  });
}

type Call = Extract<PublishedSessionEvent, { readonly milliseconds: number }>;

/** Told when it is over, so that the span is made afterwards, with the times it had. */
function traceCall(tracer: Tracer, event: Call, options: FieldOptions): void {
  const span = tracer.startSpan(spanName(event), {
    kind: SpanKind.CLIENT,
    startTime: new Date(event.at - Math.max(0, event.milliseconds)),
    attributes: fieldsOf(event, options),
  });
  if (isFailedCall(event)) span.setStatus({ code: SpanStatusCode.ERROR, message: whatFailed(event) });
  span.end(new Date(event.at));
}

/** Of few values: names are what spans are grouped by. */
function spanName(event: Call): string {
  return event.type === "store-called"
    ? `session store ${storeCallName(event.call)}`
    : `identity provider ${providerCallName(event.call)}`;
}

function whatFailed(event: Call): string {
  if (event.type === "store-called") return event.outcome;
  return event.status === null ? "no answer" : `status ${event.status}`;
}
