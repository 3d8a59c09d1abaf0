// POST /api/user/registration[/{userId}]: registers an existing user for an application, or creates user and registration in one
// step. Answers no token, unlike FusionAuth: the only ways to a token are the password and a refresh token (ASVS 6.3.4).

import * as z from "zod";
import { json } from "../answer.ts";
import { type Call, pathId, visible } from "../call.ts";
import { fieldRefusal, RequestRefusedError } from "../errors.ts";
import { newPassword } from "../new-password.ts";
import { newUser } from "../new-user.ts";
import {
  newRegistration,
  type RegistrationInput,
  registrationInput,
  registrationWire,
} from "../registration-shape.ts";
import { readJson, withoutNulls } from "../request.ts";
import { saving } from "../saving.ts";
import type { Application } from "../store/records.ts";
import { type UserInput, userFrom, userInput, userWire } from "../user-shape.ts";
import { validated } from "../validation.ts";

interface RegistrationRequest {
  registration: RegistrationInput;
  user?: UserInput | undefined;
  skipVerification?: boolean | undefined;
}

const registrationRequest: z.ZodType<RegistrationRequest> = z.object({
  registration: registrationInput,
  user: userInput.optional(),
  skipVerification: z.boolean().optional(),
});

/** 200 with `registration`, and `user` if one was created; 400; 404 for an unknown user. */
export async function register(call: Call): Promise<Response> {
  const userId = pathId(call, "userId");
  const body = validated(registrationRequest, withoutNulls(await readJson(call.request)));
  const application = await requiredApplication(call, body.registration.applicationId);
  return body.user === undefined
    ? registerExisting(call, body.registration, application, userId)
    : registerNew(call, body, body.user, application, userId);
}

/** The active application of this id that the caller may see; a 400 about the registration otherwise. */
export async function requiredApplication(call: Call, id: string): Promise<Application> {
  const application = visible(call, await call.provider.store.applications.find(id));
  if (application?.active !== true) throw fieldRefusal("invalid", "registration.applicationId");
  return application;
}

async function registerExisting(
  call: Call,
  input: RegistrationInput,
  application: Application,
  userId: string | null,
): Promise<Response> {
  const { store, config } = call.provider;
  if (userId === null) throw fieldRefusal("missing", "user");
  const user = visible(call, await store.users.find(userId));
  if (user === null) throw new RequestRefusedError(404);
  if (user.tenantId !== application.tenantId) throw fieldRefusal("invalid", "registration.applicationId");
  const registration = newRegistration(input, application, { userId, id: config.uuid(), now: config.now() });
  await saving("registration", async () => ({
    saved: await store.registrations.insert(registration),
    value: registration,
  }));
  return json({ registration: registrationWire(registration) });
}

async function registerNew(
  call: Call,
  { registration: input, skipVerification }: RegistrationRequest,
  userInput: UserInput,
  application: Application,
  userId: string | null,
): Promise<Response> {
  const { store, config } = call.provider;
  const tenant = await store.tenants.find(application.tenantId);
  if (tenant === null) throw new RequestRefusedError(404);
  const id = userId ?? config.uuid();
  const owner = userFrom(userInput);
  const registration = newRegistration(input, application, {
    userId: id,
    id: config.uuid(),
    now: config.now(),
  });
  const chosen = userInput.password;
  const password =
    chosen === undefined ? null : await newPassword(call.provider, tenant, chosen, owner, "user.password");
  const verified = skipVerification === true && owner.email !== null;
  const user = newUser(call.provider, userInput, { tenant, id, verified, password });
  await saving("user", async () => ({ saved: await store.users.insert(user, registration), value: user }));
  return json({ user: userWire(user, [registration]), registration: registrationWire(registration) });
}
