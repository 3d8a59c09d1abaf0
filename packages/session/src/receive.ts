/**
 * What happens to a request before a handler sees it, in this order: cookies that contradict each other, forgery, the body
 * with the form token, who is there (found, extended or renewed), whether the path needs somebody, the token. Each step may
 * answer instead.
 */
import { type Answer, type Asking, answer, askToSignIn, jsonAnswer, wantsJson } from "./answer.ts";
import { ArrivedRequest } from "./arrived-request.ts";
import { type PresentedCookies, readCookies } from "./cookies.ts";
import { type CrossSiteReason, crossSiteReason, isSafeMethod } from "./cross-site.ts";
import { isOutage, type Outage } from "./errors.ts";
import { formTokenField, formTokenHeader, isFormTokenFor } from "./form-token.ts";
import { isOwnTarget, pathOf } from "./paths.ts";
import type { Live, Policy } from "./policy.ts";
import type { Settings } from "./settings.ts";
import { createVisitor, type VisitorOfRequest } from "./visitor.ts";

/** A request, as an adapter describes it. */
export interface IncomingRequest {
  readonly method: string;
  /** Path and query as the browser sent them. */
  readonly target: string;
  /** A header by its lower-case name; several of one name joined as HTTP has it. */
  header(name: string): string | undefined;
  /** The client's address, by the framework's own rules for trusted proxies. */
  readonly address: string | undefined;
  /** When it arrived, by the clock of the sessions, before its body, which may take its time. Now, where that is not known. */
  readonly arrivedAt?: number;
  /** The parsed body's fields, as far as the framework has any; asked for only to find the form token, before anybody is found. */
  body(): unknown;
}

/** What became of a request. */
export type Received = VisitorOfRequest | { readonly kind: "answer"; readonly answer: Answer };

const forged =
  "This form is out of date or came from another site. Go back, load the page again and send it once more.";

/** Takes one request through the steps above. Never throws for anything a client can send. */
export function receive(
  settings: Settings,
  policy: Policy,
  request: IncomingRequest,
): Received | Promise<Received> {
  if (!isOwnTarget(request.target, settings.origin))
    return refuse(settings, 400, "This address can't be understood.");
  const presented = readCookies(request.header("cookie"), settings.cookieWriter.names);
  if (presented === "duplicate") return refuseDuplicate(settings, request);
  const path = pathOf(request.target);
  const isUnguarded = settings.isUnguarded(path);
  const isGuarded = !isUnguarded && !isSafeMethod(request.method);
  if (isGuarded && isCrossSite(settings, request, presented)) return refuse(settings, 403, forged);

  const visit = new ArrivedRequest(settings, request, presented);
  const arrival = { settings, policy, request, visit, isPublic: isUnguarded || settings.isPublic(path) };
  if (isGuarded) return receiveGuarded(arrival);
  // Nothing is looked up for a stranger, and nobody is waited for.
  if (presented.session === null && presented.refreshToken === null) return admit(arrival, null);
  return receiveSafe(arrival);
}

/** A request between the steps. */
interface Arrival {
  readonly settings: Settings;
  readonly policy: Policy;
  readonly request: IncomingRequest;
  readonly visit: ArrivedRequest;
  readonly isPublic: boolean;
}

async function receiveSafe(arrival: Arrival): Promise<Received> {
  const { settings, policy, visit, isPublic } = arrival;
  try {
    return admit(arrival, await policy.find(visit));
  } catch (error) {
    const outage = told(settings, error);
    // Public pages go on without a session (D9, ASVS 16.5.2).
    return isPublic ? admit(arrival, null) : unavailableAnswer(settings, visit, outage);
  }
}

async function receiveGuarded(arrival: Arrival): Promise<Received> {
  const { settings, policy, request, visit, isPublic } = arrival;
  // Before anybody is found: what ends while a body takes its time must have ended for the handler, too (D8).
  const token = await presentedFormToken(request);
  try {
    const live = await policy.find(visit);
    if (live === null && !isPublic) return admit(arrival, null);
    if (!isFormTokenGood(settings, request, { token, presented: visit.presented, live }))
      return refuse(settings, 403, forged);
    return admit(arrival, live);
  } catch (error) {
    return unavailableAnswer(settings, visit, told(settings, error));
  }
}

function admit({ settings, policy, visit, isPublic }: Arrival, live: Live | null): Received {
  if (live === null && !isPublic) return { kind: "answer", answer: askToSignIn(settings, visit) };
  return createVisitor(settings, policy, visit, live);
}

/** The outage that an error says, published; rethrows any other error. */
function told(settings: Settings, error: unknown): Outage {
  if (!isOutage(error)) throw error;
  settings.publish({ type: "unavailable", code: error.code, message: error.message });
  return error;
}

function refuseDuplicate(settings: Settings, request: IncomingRequest): Received {
  settings.publish({ type: "duplicate-cookies", address: request.address });
  return refuse(
    settings,
    400,
    "Your browser sent two cookies of one name. Clear this site's cookies and sign in again.",
  );
}

function isCrossSite(settings: Settings, request: IncomingRequest, cookies: PresentedCookies): boolean {
  const reason = crossSiteReason(
    {
      method: request.method,
      secFetchSite: request.header("sec-fetch-site"),
      origin: request.header("origin"),
      hasCookies: cookies.session !== null || cookies.refreshToken !== null || cookies.form !== null,
    },
    settings.origin,
  );
  if (reason !== null) reportForged(settings, request, reason);
  return reason !== null;
}

function reportForged(
  { publish }: Settings,
  { target, address }: IncomingRequest,
  reason: CrossSiteReason | "form-token",
): void {
  publish({ type: "cross-site-refused", reason, path: pathOf(target).slice(0, 200), address });
}

async function presentedFormToken(request: IncomingRequest): Promise<string | undefined> {
  const body = await request.body();
  const field =
    typeof body === "object" && body !== null ? Object.getOwnPropertyDescriptor(body, formTokenField) : null;
  return typeof field?.value === "string" ? field.value : request.header(formTokenHeader);
}

/** What a form token is judged by. */
interface PresentedToken {
  readonly token: string | undefined;
  readonly presented: PresentedCookies;
  readonly live: Live | null;
}

/** The login form may have been rendered before somebody signed in in another tab: its visitor token counts there. */
function isFormTokenGood(
  settings: Settings,
  request: IncomingRequest,
  { token, presented, live }: PresentedToken,
): boolean {
  const { keys, signInPath } = settings;
  const ofSignIn = live !== null && isFormTokenFor(keys, { signInId: live.session.signInId }, token);
  const countsForVisitor = live === null || pathOf(request.target) === signInPath;
  const ofVisitor =
    countsForVisitor &&
    presented.form !== null &&
    isFormTokenFor(keys, { formCookie: presented.form }, token);
  if (!ofSignIn && !ofVisitor) reportForged(settings, request, "form-token");
  return ofSignIn || ofVisitor;
}

function refuse({ page }: Settings, status: number, message: string): Received {
  return answered(status, {}, page(status, message));
}

/** Seconds over which those are spread who are told to come back: all at once they would be the next outage. */
const spread = 3;

/** What is down keeps everybody's cookies: 503, and come back (D9). */
function unavailableAnswer({ page, randomBytes }: Settings, asking: Asking, error: Outage): Received {
  const seconds = error.retryAfter + ((randomBytes(1)[0] ?? 0) % spread);
  const headers = { "retry-after": String(seconds) };
  if (wantsJson(asking)) return { kind: "answer", answer: jsonAnswer(503, error.code, headers) };
  const message =
    "Signing in and signed-in pages are not available for a moment. Nothing is lost: try again shortly.";
  return answered(503, headers, page(503, message));
}

function answered(...given: Parameters<typeof answer>): Received {
  return { kind: "answer", answer: answer(...given) };
}
