// POST /api/user[/{userId}]: creates a user. Answers no token, unlike FusionAuth: the only ways to a token are the password and
// a refresh token (ASVS 6.1.3, 6.3.4).

import * as z from "zod";
import { json } from "../answer.ts";
import { type Call, pathId } from "../call.ts";
import { requiredTenant } from "../caller.ts";
import { newPassword } from "../new-password.ts";
import { newUser } from "../new-user.ts";
import { readJson, withoutNulls } from "../request.ts";
import { saving } from "../saving.ts";
import { type UserInput, userFrom, userInput, userWire } from "../user-shape.ts";
import { validated } from "../validation.ts";

const createUserRequest: z.ZodType<{ user: UserInput; skipVerification?: boolean | undefined }> = z.object({
  user: userInput,
  skipVerification: z.boolean().optional(),
});

/** Creates a user, with a password or without. 200 with `user`, or 400. */
export async function createUser(call: Call): Promise<Response> {
  const { provider } = call;
  const id = pathId(call, "userId") ?? provider.config.uuid();
  const body = validated(createUserRequest, withoutNulls(await readJson(call.request)));
  const tenant = await requiredTenant(call);
  const owner = userFrom(body.user);
  const password =
    body.user.password === undefined
      ? null
      : await newPassword(provider, tenant, body.user.password, owner, "user.password");
  const verified = body.skipVerification === true && owner.email !== null;
  const user = newUser(provider, body.user, { tenant, id, verified, password });
  await saving("user", async () => ({ saved: await provider.store.users.insert(user), value: user }));
  return json({ user: userWire(user, []) });
}
