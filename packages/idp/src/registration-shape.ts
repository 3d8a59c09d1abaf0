// A registration on the wire: what a caller may send and what a caller gets.

import * as z from "zod";
import { fieldRefusal } from "./errors.ts";
import type { Application, Data, Registration } from "./store/records.ts";
import { data, line, requiredLine, uuid } from "./validation.ts";

/** What a caller may say of a registration. */
export interface RegistrationInput {
  id?: string | undefined;
  applicationId: string;
  roles?: string[] | undefined;
  username?: string | undefined;
  timezone?: string | undefined;
  preferredLanguages?: string[] | undefined;
  data?: Data | undefined;
}

/** The `registration` of a request body. */
export const registrationInput: z.ZodType<RegistrationInput> = z.object({
  id: uuid.optional(),
  applicationId: uuid,
  roles: z.array(requiredLine(191)).max(100).optional(),
  username: line(191).optional(),
  timezone: line(255).optional(),
  preferredLanguages: z.array(line(24)).max(20).optional(),
  data: data.optional(),
});

/** The parts of a registration that the input decides; a 400 for a role the application does not have. */
export function registrationFrom(
  input: RegistrationInput,
  application: Application,
): Pick<Registration, "applicationId" | "roles" | "username" | "timezone" | "preferredLanguages" | "data"> {
  const { id: _, applicationId: __, roles, ...profile } = input;
  const offered = new Set(application.roles.map((role) => role.name));
  if (roles?.some((role) => !offered.has(role)) === true) throw fieldRefusal("invalid", "registration.roles");
  return {
    ...profile,
    applicationId: application.id,
    roles: [...new Set(roles ?? defaultRoles(application))],
  };
}

/** A new registration at `now`. */
export function newRegistration(
  input: RegistrationInput,
  application: Application,
  { userId, id, now }: { userId: string; id: string; now: number },
): Registration {
  return {
    ...registrationFrom(input, application),
    id: input.id ?? id,
    userId,
    verified: true,
    lastLoginInstant: null,
    version: 1,
    insertInstant: now,
    lastUpdateInstant: now,
  };
}

/** The registration as a body that would leave it unchanged: what a PATCH is applied to. */
export function registrationAsInput(registration: Registration): RegistrationInput {
  const { applicationId, roles, username, timezone, preferredLanguages, data } = registration;
  return { applicationId, roles, username, timezone, preferredLanguages, data };
}

/** The registration as callers see it. */
export function registrationWire(registration: Registration): Record<string, unknown> {
  const { userId: _, version: __, lastLoginInstant, data, ...members } = registration;
  return { ...members, data: data ?? {}, tokens: {}, lastLoginInstant: lastLoginInstant ?? undefined };
}

function defaultRoles({ roles }: Application): string[] {
  return roles.filter((role) => role.isDefault).map((role) => role.name);
}
