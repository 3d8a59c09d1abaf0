/**
 * What an event of the provider says, read from FusionAuth's envelope: whose sign-ins to this application it concerns, and
 * why they end. Pure; it trusts nothing but that the provider signed the body, and takes nothing it can't read for "everything".
 */
import type { EndReason } from "./store/store.ts";

/** Whose sign-ins an event concerns. */
export type EventSubject =
  | { readonly kind: "sign-in"; readonly signInId: string; readonly userId: string }
  | { readonly kind: "user"; readonly userId: string }
  | { readonly kind: "application" };

/** An event. */
export interface ProviderEvent {
  readonly id: string;
  readonly type: string;
  /** When it happened, by the provider's clock, epoch milliseconds. */
  readonly at: number;
  /** `null` where it is none of this application's business. */
  readonly effect: { readonly subject: EventSubject; readonly reason: EndReason } | null;
}

/** The types that end sign-ins. Any other is taken note of, and no more. */
const reasons: ReadonlyMap<unknown, EndReason> = new Map<unknown, EndReason>([
  ["jwt.refresh-token.revoke", "revoked-at-provider"],
  ["user.deactivate", "user-not-active"],
  ["user.delete", "user-deleted"],
  ["user.password.update", "password-changed"],
  ["user.registration.delete", "user-not-active"],
]);

/** The event in a webhook's body; `null` for what is no event. */
export function readEvent(body: Buffer, applicationId: string): ProviderEvent | null {
  const event = memberOf(parsed(body), "event");
  const type = memberOf(event, "type");
  const at = memberOf(event, "createInstant");
  if (typeof type !== "string" || typeof at !== "number" || !Number.isSafeInteger(at)) return null;
  const about = { id: String(memberOf(event, "id")).slice(0, 64), type: type.slice(0, 64), at };

  const reason = reasons.get(type);
  const ofApplication = memberOf(event, "applicationId");
  if (reason === undefined || (ofApplication !== undefined && ofApplication !== applicationId))
    return { ...about, effect: null };
  const subject = subjectOf(event, type);
  return subject && { ...about, effect: { subject, reason } };
}

/** FusionAuth tells the three shapes of a revocation apart by the members that are there; all others concern a user. */
function subjectOf(event: unknown, type: string): EventSubject | null {
  const userId = memberOf(event, "userId") ?? memberOf(memberOf(event, "user"), "id");
  const refreshToken = memberOf(event, "refreshToken");
  if (refreshToken !== undefined) {
    const signInId = memberOf(refreshToken, "id");
    const isWhole = typeof signInId === "string" && typeof userId === "string";
    return isWhole ? { kind: "sign-in", signInId, userId } : null;
  }
  if (typeof userId === "string" && userId !== "") return { kind: "user", userId };
  const isWholeApplication = type === "jwt.refresh-token.revoke" && userId === undefined;
  return isWholeApplication && memberOf(event, "applicationId") !== undefined
    ? { kind: "application" }
    : null;
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return null;
  }
}

/** An own member of a JSON object that is not null; `undefined` for anything else. */
function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name) ?? undefined;
}
