// GET, PUT, PATCH and DELETE of a registration. The application stands in the path or, as FusionAuth's client does it on PUT and
// PATCH, in the body.

import * as z from "zod";
import { empty, json } from "../answer.ts";
import { type Call, pathId, requiredPathId, visible } from "../call.ts";
import { fieldRefusal, RequestRefusedError } from "../errors.ts";
import { mergePatch } from "../merge-patch.ts";
import {
  registrationAsInput,
  registrationFrom,
  type RegistrationInput,
  registrationInput,
  registrationWire,
} from "../registration-shape.ts";
import { isObject, readJson, withoutNulls } from "../request.ts";
import { tokensRevoked } from "../revocation.ts";
import { saving } from "../saving.ts";
import type { Registration } from "../store/records.ts";
import { data, uuid, validated } from "../validation.ts";
import { requiredApplication } from "./register.ts";

const registrationUpdate: z.ZodType<{ registration: RegistrationInput }> = z.object({
  registration: registrationInput,
});
const registrationPatch = z.object({ registration: data });
const namedApplication = z.object({ registration: z.object({ applicationId: uuid }) });

/** GET: 200 with `registration`; 404. */
export async function retrieveRegistration(call: Call): Promise<Response> {
  const registration = await requiredRegistration(call, requiredPathId(call, "applicationId"));
  return json({ registration: registrationWire(registration) });
}

/** PUT: replaces what a caller may say of the registration; roles that are not named are taken away. */
export async function updateRegistration(call: Call): Promise<Response> {
  const body = withApplication(call, withoutNulls(await readJson(call.request)));
  const { registration: input } = validated(registrationUpdate, body);
  return change(call, input.applicationId, () => ({ ...input, roles: input.roles ?? [] }));
}

/** PATCH: a JSON merge patch (RFC 7396) on `{ registration }`. */
export async function patchRegistration(call: Call): Promise<Response> {
  const patch = withApplication(call, await readJson(call.request));
  validated(registrationPatch, patch);
  const { applicationId } = validated(namedApplication, patch).registration;
  return change(call, applicationId, (current) => {
    const merged = mergePatch({ registration: registrationAsInput(current) }, patch);
    const { registration } = validated(registrationUpdate, merged);
    return { ...registration, roles: registration.roles ?? [] };
  });
}

/** DELETE: 200 empty; 404. The user's refresh tokens for the application end with it. */
export async function deleteRegistration(call: Call): Promise<Response> {
  const { userId, applicationId } = await requiredRegistration(call, requiredPathId(call, "applicationId"));
  await call.provider.store.registrations.delete(userId, applicationId);
  tokensRevoked(call.provider, { userId, applicationId }, "registration-deleted");
  return empty();
}

// The path decides; a body that names another application is a mistake that must not be guessed at.
function withApplication(call: Call, body: unknown): unknown {
  const id = pathId(call, "applicationId");
  const registration = isObject(body) ? body["registration"] : undefined;
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
  const application = await requiredApplication(call, applicationId);
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
  const user = visible(call, await users.find(requiredPathId(call, "userId")));
  const registration = user === null ? null : await registrations.find(user.id, applicationId);
  if (registration === null) throw new RequestRefusedError(404);
  return registration;
}
