/**
 * What happened, on `node:diagnostics_channel`: logs, metrics, the audit trail and messages to the user are listeners.
 * Without a listener an event costs nothing. No event holds a password, a session id or a token (ASVS 16.2.5).
 */
import { channel } from "node:diagnostics_channel";
import type { ChangePasswordRefusal } from "./change-password.ts";
import type { CrossSiteReason } from "./cross-site.ts";
import type { SignInRefusal } from "./provider-contract.ts";
import type { Judgement } from "./judgement.ts";
import type { EndReason } from "./store/store.ts";
import type { WebhookRefusal } from "./webhook.ts";

/** The channel's name: `diagnostics_channel.subscribe("latchkey:session", listener)`. */
export const sessionChannel = "latchkey:session";

/** What can happen. Every event says `at` (epoch milliseconds) and `application` besides. */
export type SessionEvent =
  | { type: "signed-in"; signInId: string; userId: string; address: string | undefined }
  | { type: "sign-in-refused"; reason: SignInRefusal | "throttled"; address: string | undefined }
  | { type: "session-created"; signInId: string; userId: string }
  | { type: "session-extended"; signInId: string; userId: string; expiresAt: number }
  | { type: "renewed"; signInId: string; userId: string; judgement: Judgement }
  | { type: "revalidated"; signInId: string; userId: string }
  | { type: "sign-in-ended"; signInId: string; userId: string; reason: EndReason }
  /** Somebody named another user's sign-in to end it; `signInId` and `userId` are the asker's (CWE-639). */
  | { type: "device-not-owned"; signInId: string; userId: string; address: string | undefined }
  | { type: "password-changed"; userId: string; address: string | undefined }
  | {
      type: "password-change-refused";
      reason: ChangePasswordRefusal | "throttled";
      userId: string;
      address: string | undefined;
    }
  | { type: "reuse-detected"; signInId: string; userId: string; address: string | undefined }
  | { type: "mismatched-pair"; address: string | undefined }
  | { type: "duplicate-cookies"; address: string | undefined }
  | {
      type: "cross-site-refused";
      reason: CrossSiteReason | "form-token";
      path: string;
      address: string | undefined;
    }
  | { type: "revocation-owed"; signInId: string; code: string }
  | { type: "revocation-paid"; signInId: string }
  | { type: "webhook-received"; eventType: string; eventId: string; ended: number; questioned: number }
  | { type: "webhook-refused"; reason: WebhookRefusal; address: string | undefined }
  | { type: "provider-called"; call: string; status: number | null; milliseconds: number }
  /** A call to the session store; "not-asked" while its circuit is open, "failed" also for an answer that is none. */
  | {
      type: "store-called";
      call: string;
      outcome: "answered" | "failed" | "timed-out" | "not-asked";
      milliseconds: number;
    }
  /** It gave no answer several times in a row: it is not asked for a moment, then by one call at a time. */
  | { type: "circuit-opened"; what: "session-store" | "identity-provider" }
  /** It answers again. */
  | { type: "circuit-closed"; what: "session-store" | "identity-provider" }
  | { type: "unavailable"; code: string; message: string };

/** An event as listeners get it. */
export type PublishedSessionEvent = SessionEvent & { readonly at: number; readonly application: string };

/** Publishes an event. */
export type Publish = (event: SessionEvent) => void;

const published = channel(sessionChannel);

/** Whether anybody listens: what is published at every request is not even put together otherwise. */
export function isHeard(): boolean {
  return published.hasSubscribers;
}

/** A publisher for one application. */
export function publisher(application: string, now: () => number): Publish {
  return (event) => {
    if (published.hasSubscribers) published.publish({ ...event, at: now(), application });
  };
}
