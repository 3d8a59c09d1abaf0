// From what happened, and from the rows it concerns, to the event as it is told: the same for every store. Looks nothing up, and
// leaves out what nobody may be told: passwords and the secrets of tokens.

import type { RefreshToken, User } from "./records.ts";
import type { EventInfo, Happening, UserEvent } from "./user-event.ts";

/** What the store knows of whom and what it concerns, at this moment of the step. */
export interface Concerned {
  user: User | null;
  refreshToken: RefreshToken | null;
  /** Of the application that is named; null without one, or if it is gone. */
  applicationTenantId: string | null;
}

/** The event; null if whom or what it concerns is gone. `stamp` is its id and the store's clock. */
export function toldEvent(
  happening: Happening,
  { user, refreshToken, applicationTenantId }: Concerned,
  stamp: { id: string; createInstant: number },
): UserEvent | null {
  // He was deleted meanwhile. Without him the event would be of the whole application, and sign everybody out of it.
  if (user === null && (happening.userId ?? happening.refreshTokenId) !== undefined) return null;
  const tenantId = user?.tenantId ?? applicationTenantId;
  if (tenantId === null) return null;
  return {
    id: stamp.id,
    type: happening.type,
    createInstant: stamp.createInstant,
    tenantId,
    applicationId: happening.applicationId ?? refreshToken?.applicationId,
    ...(user === null ? {} : { user: withoutPassword(user) }),
    ...(refreshToken === null ? {} : { refreshToken: withoutSecret(refreshToken) }),
    reason: happening.reason,
    previous: happening.previous,
    info: { ...lastSeen(refreshToken), ...known(happening.info) },
  };
}

/** Events of one lane are told in order. Ids are UUIDs, so that a user and an application never share one. */
export function laneOf({ user, applicationId, tenantId }: UserEvent): string {
  return user?.id ?? applicationId ?? tenantId;
}

function withoutPassword({ password: _, ...user }: User): Omit<User, "password"> {
  return user;
}

function withoutSecret({ secret: _, ...token }: RefreshToken): Omit<RefreshToken, "secret"> {
  return token;
}

function lastSeen(token: RefreshToken | null): EventInfo {
  if (token === null) return {};
  const { name, description, type } = token.metaData.device ?? {};
  const ipAddress = token.lastAccessedAddress ?? undefined;
  return { ipAddress, deviceName: name, deviceDescription: description, deviceType: type };
}

// Without members that are undefined: they must not hide what the row knows.
function known(info: EventInfo = {}): EventInfo {
  return Object.fromEntries(Object.entries(info).filter(([, value]) => value !== undefined));
}
