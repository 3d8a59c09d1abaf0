// POST /api/user/import: users with the password hashes they have elsewhere, all of them or none. A hash of a scheme that can't
// be verified here is refused at once, not at the user's next sign-in. At most a body's worth (64 KiB) a call.

import * as z from "zod";
import { empty } from "../answer.ts";
import { applicationToRegisterFor } from "../application-to-register-for.ts";
import type { Call } from "../call.ts";
import { requiredTenant } from "../caller.ts";
import { fieldRefusal, RequestRefusedError } from "../errors.ts";
import { highestFactor, IMPORTED_SCHEMES } from "../imported-password.ts";
import { newPassword } from "../new-password.ts";
import { userWith } from "../new-user.ts";
import { newRegistration, type RegistrationInput, registrationInput } from "../registration-shape.ts";
import type { PasswordHash, Registration, Tenant, User } from "../store/records.ts";
import { type UserInput, userFrom, userInput } from "../user-shape.ts";
import { bodyOf, uuid, validated } from "../validation.ts";

interface ImportedUser extends UserInput {
  id?: string | undefined;
  verified?: boolean | undefined;
  salt?: string | undefined;
  encryptionScheme?: string | undefined;
  factor?: number | undefined;
  registrations?: RegistrationInput[] | undefined;
}

interface ImportRequest {
  users: ImportedUser[];
  encryptionScheme?: string | undefined;
  factor?: number | undefined;
}

const base64 = z
  .string()
  .max(2_048)
  .regex(/^[A-Za-z0-9+/]+={0,2}$/, "[invalid]");
const scheme = z.enum(IMPORTED_SCHEMES);
const factor = z.int().min(1);

const importRequest: z.ZodType<ImportRequest> = z.object({
  users: z
    .array(
      z.intersection(
        userInput,
        z.object({
          id: uuid.optional(),
          verified: z.boolean().optional(),
          salt: base64.optional(),
          encryptionScheme: scheme.optional(),
          factor: factor.optional(),
          registrations: z.array(registrationInput).max(50).optional(),
        }),
      ),
    )
    .min(1)
    .max(1_000),
  encryptionScheme: scheme.optional(),
  factor: factor.optional(),
  validateDbConstraints: z.boolean().optional(),
});

/** 200 empty; 400 that names the user by his place in the list, e.g. `users.3.email`. */
export async function importUsers(call: Call): Promise<Response> {
  const body = await bodyOf(call, importRequest);
  const tenant = await requiredTenant(call);
  const entries: { user: User; registrations: Registration[] }[] = [];
  for (const [index, imported] of body.users.entries()) {
    const password = await passwordOf(call, tenant, body, imported, `users.${index}`);
    const id = imported.id ?? call.provider.config.uuid();
    const verified = imported.verified === true;
    const user = userWith(call.provider, validated(userInput, imported), { tenant, id, verified, password });
    entries.push({ user, registrations: await registrationsOf(call, imported, id) });
  }
  const { saved, index } = await call.provider.store.users.insertAll(entries);
  if (saved === "gone") throw new RequestRefusedError(404);
  if (saved !== "saved") throw fieldRefusal("duplicate", `users.${index}.${saved.replace("duplicate ", "")}`);
  return empty();
}

async function passwordOf(
  call: Call,
  tenant: Tenant,
  defaults: ImportRequest,
  imported: ImportedUser,
  place: string,
): Promise<PasswordHash | null> {
  if (imported.password === undefined) return null;
  const named = imported.encryptionScheme ?? defaults.encryptionScheme;
  // Without a scheme it is the password itself, as in FusionAuth.
  if (named === undefined) {
    return newPassword(call.provider, tenant, imported.password, userFrom(imported), `${place}.password`);
  }
  const hash = base64.safeParse(imported.password);
  if (!hash.success) throw fieldRefusal("invalid", `${place}.password`);
  if (imported.salt === undefined) throw fieldRefusal("blank", `${place}.salt`);
  const rounds = imported.factor ?? defaults.factor ?? 1;
  if (rounds > highestFactor(named)) throw fieldRefusal("invalid", `${place}.factor`);
  return { scheme: named, hash: hash.data, salt: imported.salt, factor: rounds };
}

async function registrationsOf(call: Call, imported: ImportedUser, userId: string): Promise<Registration[]> {
  const { config } = call.provider;
  const registrations: Registration[] = [];
  for (const input of imported.registrations ?? []) {
    const application = await applicationToRegisterFor(call, input.applicationId);
    registrations.push(newRegistration(input, application, { userId, id: config.uuid(), now: config.now() }));
  }
  return registrations;
}
