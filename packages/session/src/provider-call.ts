/**
 * One request to the identity provider and its answer, within a deadline and behind a circuit breaker. It follows no redirect (ASVS
 * 15.3.2) and knows nothing of what is asked: that is identity-provider.ts's business. Any answer closes the circuit, a wrong password,
 * a 429 and a 500 too: only who does not answer holds anybody up.
 */
import { breaker } from "./circuit.ts";
import { type Deadlines, deadlines } from "./deadline.ts";
import { IdentityProviderUnavailableError } from "./errors.ts";
import type { Publish } from "./events.ts";
import type { IdentityProviderOptions } from "./provider-contract.ts";

/** What a request carries. */
export interface Outgoing {
  readonly json?: unknown;
  readonly form?: Record<string, string>;
  readonly authorization?: string;
  readonly anonymous?: boolean;
  /** Times the deadline. */
  readonly patience?: 1 | 2;
}

/** An answer, parsed if it is JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly isEmpty: boolean;
  /** Seconds, where it said how long to stay away. */
  readonly retryAfter: number | null;
}

/** Sends a request; throws IdentityProviderUnavailableError where no answer can be had of it. */
export type Send = (method: string, path: string, outgoing: Outgoing) => Promise<Answer>;

/** The clocks: what time it is, and one that goes evenly. Milliseconds. */
export interface Clocks {
  readonly now: () => number;
  readonly elapsed: () => number;
}

/** Requests to the provider at `options.url`, each published with what came back and how long it took. */
export function sender(options: IdentityProviderOptions, { now, elapsed }: Clocks, publish: Publish): Send {
  const base = options.url.replace(/\/+$/, "");
  const send = options.fetch ?? ((request: Request) => fetch(request));
  const deadline = options.deadline ?? 5_000;
  const waiting = { 1: deadlines(deadline), 2: deadlines(2 * deadline) };
  const circuit = breaker(elapsed, (to) => {
    publish({ type: to === "open" ? "circuit-opened" : "circuit-closed", what: "identity-provider" });
  });
  const unavailable = (message: string, options: ErrorOptions) =>
    new IdentityProviderUnavailableError(message, {
      ...options,
      answered: false,
      retryAfter: circuit.retryAfter(),
    });

  return async (method, path, outgoing) => {
    const call = `${method} ${path.replace(/[0-9a-f-]{36}/, "{id}")}`;
    const era = circuit.enter();
    if (era === null) throw unavailable(`The identity provider is not asked for a moment: ${call}.`, {});
    const started = elapsed();
    const report = (status: number | null) =>
      publish({ type: "provider-called", call, status, milliseconds: elapsed() - started });
    try {
      const answer = await within(waiting[outgoing.patience ?? 1], async (signal) => {
        const init: RequestInit = { method, ...contents(options, outgoing), redirect: "manual", signal };
        return answerOf(await send(new Request(`${base}${path}`, init)), now());
      });
      circuit.answered(era);
      report(answer.status);
      return answer;
    } catch (cause) {
      circuit.missed(era);
      report(null);
      throw unavailable(`The identity provider did not answer ${call}.`, { cause });
    }
  };
}

/**
 * What `ask` comes to. When the deadline passes first, what it asks for is aborted, and what comes of it all the same is nobody's any more:
 * an embedded provider's `fetch` need not watch the request's signal.
 */
function within<T>(waiting: Deadlines, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const running = waiting.start(() => {
      controller.abort(new DOMException("The deadline has passed.", "TimeoutError"));
      reject(controller.signal.reason);
    });
    ask(controller.signal).then(
      (answer) => {
        if (waiting.end(running)) resolve(answer);
      },
      (error: unknown) => {
        if (waiting.end(running)) reject(error);
      },
    );
  });
}

/** Headers and body. */
function contents(
  { apiKey, tenantId }: IdentityProviderOptions,
  { json, form, authorization, anonymous }: Outgoing,
): Pick<RequestInit, "headers" | "body"> {
  // No Headers: the Request makes its own of whatever it is given.
  const headers: Record<string, string> = { accept: "application/json" };
  if (tenantId !== undefined) headers["x-fusionauth-tenantid"] = tenantId;
  if (authorization !== undefined) headers["authorization"] = authorization;
  else if (anonymous !== true) headers["authorization"] = apiKey;
  if (json !== undefined) headers["content-type"] = "application/json";
  const body = json === undefined ? form && new URLSearchParams(form) : JSON.stringify(json);
  return { headers, ...(body === undefined ? {} : { body }) };
}

async function answerOf(response: Response, now: number): Promise<Answer> {
  const content = await response.text();
  const isEmpty = content === "";
  const isJson = !isEmpty && (response.headers.get("content-type") ?? "").startsWith("application/json");
  const header = response.headers.get("retry-after");
  const retryAfter = header === null ? null : retryAfterSeconds(header, now);
  return { status: response.status, body: isJson ? parsed(content) : null, isEmpty, retryAfter };
}

/** What calls itself JSON and is not is an answer all the same, of nothing. */
function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return null;
  }
}

/** Seconds that a 429 which names no time, or none that can be read, is taken to ask for. */
export const defaultRetryAfter = 60;

/** Nobody is told to wait longer than this, whatever a header says. */
const longestRetryAfter = 86_400;

/** Retry-After in whole seconds, at least one and at most a day: a number of them or a date (RFC 9110 §10.2.3). */
export function retryAfterSeconds(header: string | null, now: number): number {
  const text = header?.trim() ?? "";
  const date = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  const instant = /^\d+$/.test(text) ? now + Number(text) * 1_000 : date;
  return secondsUntil(instant, now) ?? defaultRetryAfter;
}

/** Whole seconds until an instant, at least one and at most a day; `null` for what is no instant. */
export function secondsUntil(instant: number, now: number): number | null {
  if (!Number.isFinite(instant)) return null;
  return Math.min(Math.max(Math.ceil((instant - now) / 1_000), 1), longestRetryAfter);
}
