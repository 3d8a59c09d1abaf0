// A user on the wire: what a caller may send and what a caller gets. Only documented members are taken over (mass assignment,
// CWE-915) and password, hash and salt are never given out.

import * as z from "zod";
import { fieldRefusal } from "./errors.ts";
import { registrationWire } from "./registration-shape.ts";
import type { Profile, Registration, User } from "./store/records.ts";
import { data, instant, line, password } from "./validation.ts";

/** What a caller may say of a user. */
export interface UserInput extends Profile {
  email?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  expiry?: number | undefined;
}

// Nobody may look like somebody else by characters that are not seen, or by others that are shown as the same: controls, format
// characters, surrogates and private use, and what NFKC would change (UTS 39 §3.1). Letters of several scripts are allowed.
function isPlain(text: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/u.test(text) && text.normalize("NFKC") === text.normalize("NFC");
}

// What is an address is left to the mail system; refused is only what would not stay one address in a mail header.
const email = z
  .string()
  .max(191)
  .regex(/^[^\s@,;<>"]+@[^\s@,;<>"]+$/u, "[notEmail]")
  .refine(isPlain, "[notEmail]");

// Without "@", because a login id is looked for among addresses and usernames: one that is somebody's address would be taken for
// him as soon as he has another.
const username = z
  .string()
  .max(191)
  .regex(/^[^@]*$/, "[invalid]")
  .refine(isPlain, "[invalid]");

const profile = {
  firstName: line(255).optional(),
  middleName: line(255).optional(),
  lastName: line(255).optional(),
  fullName: line(255).optional(),
  birthDate: z.iso.date().optional(),
  imageUrl: line(255).optional(),
  mobilePhone: line(255).optional(),
  preferredLanguages: z.array(line(24)).max(20).optional(),
  timezone: line(255).optional(),
  data: data.optional(),
};

/** The `user` of a request body. */
export const userInput: z.ZodType<UserInput> = z.object({
  email: email.or(z.literal("")).optional(),
  username: username.optional(),
  password: password.optional(),
  expiry: instant.optional(),
  ...profile,
});

/** The parts of a user that the input decides; a 400 if it has neither e-mail address nor username to sign in with. */
export function userFrom(input: UserInput): Pick<User, "email" | "username" | "expiry" | "profile"> {
  const { email, username, expiry, password: _, ...profile } = input;
  const address = email === undefined || email === "" ? null : email.normalize("NFC").toLowerCase();
  const name = username === undefined || username === "" ? null : username;
  if (address === null && name === null) throw fieldRefusal("blank", "user.email");
  return { email: address, username: name, expiry: expiry ?? null, profile };
}

/** The user as a body that would leave it unchanged: what a PATCH is applied to. */
export function userAsInput({ email, username, expiry, profile }: User): UserInput {
  return {
    email: email ?? undefined,
    username: username ?? undefined,
    expiry: expiry ?? undefined,
    ...profile,
  };
}

/** The user as callers see it (fusionauth.io/docs/apis/users). */
export function userWire(user: User, registrations: readonly Registration[]): Record<string, unknown> {
  return {
    ...user.profile,
    id: user.id,
    tenantId: user.tenantId,
    email: user.email ?? undefined,
    username: user.username ?? undefined,
    uniqueUsername: user.username ?? undefined,
    usernameStatus: "ACTIVE",
    active: user.active,
    verified: user.verified,
    expiry: user.expiry ?? undefined,
    insertInstant: user.insertInstant,
    lastUpdateInstant: user.lastUpdateInstant,
    lastLoginInstant: user.lastLoginInstant ?? undefined,
    passwordLastUpdateInstant: user.passwordLastUpdateInstant ?? undefined,
    passwordChangeRequired: false,
    data: user.profile.data ?? {},
    memberships: [],
    registrations: registrations.map(registrationWire),
    twoFactor: {},
  };
}
