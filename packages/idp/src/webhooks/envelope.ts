// An event in the form FusionAuth's webhooks have (fusionauth.io/docs/extend/events-and-webhooks/events). Pure. `refreshToken`
// has no `token`, unlike there: what a receiver logs must open nothing.

import { refreshTokenWire } from "../refresh-token-wire.ts";
import type { UserEvent } from "../store/user-event.ts";
import { userWire } from "../user-shape.ts";

/** Applications by id, and for how many seconds an access token of theirs may still be about. */
export type Lifetimes = Readonly<Record<string, number>>;

/** The body of the request; `lifetimes` goes into the events that revoke. */
export function envelopeOf(event: UserEvent, lifetimes: Lifetimes): { event: Record<string, unknown> } {
  const { type, id, createInstant, tenantId, applicationId, info, reason } = event;
  const envelope = { type, id, createInstant, tenantId, applicationId };
  // What FusionAuth has no place for stands in `info.data`.
  return { event: { ...envelope, ...membersOf(event, lifetimes), info: { ...info, data: { reason } } } };
}

function membersOf(event: UserEvent, lifetimes: Lifetimes): Record<string, unknown> {
  const user = userOf(event);
  switch (event.type) {
    case "jwt.refresh-token.revoke":
    case "jwt.refresh-token.reuse":
      return {
        userId: event.user?.id,
        user,
        refreshToken: tokenOf(event),
        applicationTimeToLiveInSeconds: lifetimes,
      };
    case "user.login.success":
    case "user.login.new-device":
      return { user, authenticationType: "PASSWORD", ipAddress: event.info.ipAddress };
    case "user.login.failed":
      return {
        user,
        authenticationType: "PASSWORD",
        ipAddress: event.info.ipAddress,
        reason: { code: "credentials" },
      };
    case "user.email.update":
      return { user, previousEmail: event.previous?.email ?? undefined };
    case "user.identity.update":
      return {
        user,
        loginIdType: "username",
        newLoginId: event.user?.username ?? undefined,
        previousLoginId: event.previous?.username ?? undefined,
      };
    case "user.deactivate":
    case "user.reactivate":
    case "user.delete":
    case "user.password.update":
      return { user };
  }
}

// Without `metaData.data`, which is the application's own and may hold anything.
function tokenOf({ refreshToken }: UserEvent): Record<string, unknown> | undefined {
  if (refreshToken === undefined) return undefined;
  const { device } = refreshToken.metaData;
  return refreshTokenWire({ ...refreshToken, metaData: { device } });
}

// Without registrations and memberships: an event is of the user, and those of other applications are not every receiver's.
function userOf({ user }: UserEvent): Record<string, unknown> | undefined {
  if (user === undefined) return undefined;
  const { registrations: _, memberships: __, ...wire } = userWire({ ...user, password: null }, []);
  return wire;
}
