/** What the parts of a visitor share while one request is answered: who is there now, and the cookies to be set. */
import { type PendingCookies, pendingCookies } from "./pending-cookies.ts";
import type { Live, Policy, Visit } from "./policy.ts";
import type { Settings } from "./settings.ts";
import type { PendingListener } from "./visitor.ts";

/** One request's state. Only `live` changes: signing in and out replace it. */
export class RequestState {
  readonly settings: Settings;
  readonly policy: Policy;
  readonly visit: Visit;
  live: Live | null;
  #cookies: PendingCookies | null = null;
  #listener: PendingListener | null = null;
  #isToldOfHeaders = false;

  /** The state of a request whose session was found, or not. */
  constructor(settings: Settings, policy: Policy, visit: Visit, found: Live | null) {
    this.settings = settings;
    this.policy = policy;
    this.visit = visit;
    this.live = found;
    if (found?.newCookies) this.cookies.setPair(found.newCookies);
  }

  /** The cookies to be set. */
  get cookies(): PendingCookies {
    if (this.#cookies !== null) return this.#cookies;
    this.#cookies = pendingCookies(this.settings, this.visit);
    if (this.#listener !== null) this.whenPending(this.#listener);
    return this.#cookies;
  }

  /** Tells the one listener of what is pending now, and of what will be later. */
  whenPending(listener: PendingListener): void {
    this.#listener = listener;
    if (!this.#isToldOfHeaders && (this.live !== null || this.#cookies !== null)) {
      this.#isToldOfHeaders = true;
      listener.headers();
    }
    if (this.#cookies !== null) listener.cookies();
  }

  /** Their Set-Cookie values: as a rule there are none. */
  get setCookie(): readonly string[] {
    return this.#cookies?.values() ?? [];
  }
}
