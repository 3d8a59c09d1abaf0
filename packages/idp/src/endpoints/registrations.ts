// The registration API: registers an existing user for an application, or creates user and registration in one step. Answers no
// token, unlike FusionAuth: the only ways to a token are the password and a refresh token (ASVS 6.3.4). The application stands in
// the path or, as FusionAuth's client does it on PUT and PATCH, in the body.

import * as z from "zod";
import { empty, json } from "../answer.ts";
import { applicationToRegisterFor } from "../application-to-register-for.ts";
import { type Call, found, infoOf, pathId, requiredPathId } from "../call.ts";
import { fieldRefusal, RequestRefusedError } from "../errors.ts";
import { newUser, type UserRequest } from "../new-user.ts";
import {
  newRegistration,
  registrationAsInput,
  registrationFrom,
  type RegistrationInput,
  registrationInput,
  registrationWire,
} from "../registration-shape.ts";
import { isObject, readJson, withoutNulls } from "../request.ts";
import { tokensRevoked } from "../revocation.ts";
import { requireSaved, saving } from "../saving.ts";
import type { Application, Registration } from "../store/records.ts";
import { userInput, userWire } from "../user-shape.ts";
import { bodyOf, data, patched, uuid, validated } from "../validation.ts";

interface RegistrationRequest {
  registration: RegistrationInput;
  user?: UserRequest["user"] | undefined;
  skipVerification?: boolean | undefined;
}

const registrationRequest: z.ZodType<RegistrationRequest> = z.object({
  registration: registrationInput,
  user: userInput.optional(),
  skipVerification: z.boolean().optional(),
});
const registrationUpdate: z.ZodType<{ registration: RegistrationInput }> = z.object({
  registration: registrationInput,
});
const registrationPatch = z.object({ registration: data });
const namedApplication = z.object({ registration: z.object({ applicationId: uuid }) });

/**
 * POST /api/user/registration[/{userId}]: 200 with `registration`, and `user` if one was created; 400; 404 for an unknown user.
 */
export async function register(call: Call): Promise<Response> {
  const userId = pathId(call, "userId");
  const { user, ...body } = await bodyOf(call, registrationRequest);
  const application = await applicationToRegisterFor(call, body.registration.applicationId);
  if (user !== undefined) return registerNew(call, { ...body, user }, application, userId);
  if (userId === null) throw fieldRefusal("missing", "user");
  return registerExisting(call, body.registration, application, userId);
}

async function registerExisting(
  call: Call,
  input: RegistrationInput,
  application: Application,
  userId: string,
): Promise<Response> {
  const { store, config } = call.provider;
  const user = found(call, await store.users.find(userId));
  if (user.tenantId !== application.tenantId) throw fieldRefusal("invalid", "registration.applicationId");
  const registration = newRegistration(input, application, { userId, id: config.uuid(), now: config.now() });
  requireSaved("registration", await store.registrations.insert(registration));
  return json({ registration: registrationWire(registration) });
}

async function registerNew(
  call: Call,
  { registration: input, ...request }: UserRequest & { registration: RegistrationInput },
  application: Application,
  userId: string | null,
): Promise<Response> {
  const { store, config } = call.provider;
  const tenant = await store.tenants.find(application.tenantId);
  if (tenant === null) throw new RequestRefusedError(404);
  const id = userId ?? config.uuid();
  const own = { userId: id, id: config.uuid(), now: config.now() };
  const registration = newRegistration(input, application, own);
  const user = await newUser(call.provider, request, { tenant, id });
  requireSaved("user", await store.users.insert(user, registration));
  return json({ user: userWire(user, [registration]), registration: registrationWire(registration) });
}

/** GET: 200 with `registration`; 404. */
export async function retrieveRegistration(call: Call): Promise<Response> {
  const registration = await requiredRegistration(call, requiredPathId(call, "applicationId"));
  return json({ registration: registrationWire(registration) });
}

/** PUT: replaces what a caller may say of the registration; roles that are not named are taken away. */
export async function updateRegistration(call: Call): Promise<Response> {
  const body = withoutNulls(withApplication(call, await readJson(call.request)));
  const { registration: input } = validated(registrationUpdate, body);
  return change(call, input.applicationId, () => ({ ...input, roles: input.roles ?? [] }));
}

/** PATCH: a JSON merge patch (RFC 7396) on `{ registration }`. */
export async function patchRegistration(call: Call): Promise<Response> {
  const patch = withApplication(call, await readJson(call.request));
  validated(registrationPatch, patch);
  const { applicationId } = validated(namedApplication, patch).registration;
  return change(call, applicationId, (current) => {
    const input = { registration: registrationAsInput(current) };
    const { registration } = patched(registrationUpdate, input, patch);
    return { ...registration, roles: registration.roles ?? [] };
  });
}

/** DELETE: 200 empty; 404. The user's refresh tokens for the application end with it. */
export async function deleteRegistration(call: Call): Promise<Response> {
  const { userId, applicationId } = await requiredRegistration(call, requiredPathId(call, "applicationId"));
  await call.provider.store.registrations.delete(userId, applicationId, infoOf(call));
  tokensRevoked(call.provider, { userId, applicationId }, "registration-deleted");
  return empty();
}

// The path decides; a body that names another application is a mistake that must not be guessed at.
function withApplication(call: Call, body: Record<string, unknown>): Record<string, unknown> {
  const id = pathId(call, "applicationId");
  const registration = body["registration"];
  if (id === null || !isObject(registration)) return body;
  const named = registration["applicationId"] ?? id;
  if (typeof named !== "string" || named.toLowerCase() !== id) {
    throw fieldRefusal("invalid", "registration.applicationId");
  }
  return { registration: { ...registration, applicationId: id } };
}

async function change(
  call: Call,
  applicationId: string,
  inputOf: (current: Registration) => RegistrationInput,
): Promise<Response> {
  const { store, config } = call.provider;
  const application = await applicationToRegisterFor(call, applicationId);
  const registration = await saving("registration", async () => {
    const current = await requiredRegistration(call, applicationId);
    const own = registrationFrom(inputOf(current), application);
    const value = { ...bare(current), ...own, lastUpdateInstant: config.now() };
    return { saved: await store.registrations.update(value), value };
  });
  return json({ registration: registrationWire(registration) });
}

// Without what the caller decides, so that what he leaves out is gone.
function bare(registration: Registration): Registration {
  return {
    ...registration,
    username: undefined,
    timezone: undefined,
    preferredLanguages: undefined,
    data: undefined,
  };
}

async function requiredRegistration(call: Call, applicationId: string): Promise<Registration> {
  const { users, registrations } = call.provider.store;
  const user = found(call, await users.find(requiredPathId(call, "userId")));
  const registration = await registrations.find(user.id, applicationId);
  if (registration === null) throw new RequestRefusedError(404);
  return registration;
}
