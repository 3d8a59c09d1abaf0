// GET /api/jwt/validate: the claims of a good access token from the header or the cookie. Stateless, as in FusionAuth: a token
// stays good after a logout until it expires.

import { json } from "../answer.ts";
import type { Call } from "../call.ts";
import { userToken } from "../caller.ts";
import { RequestRefusedError } from "../errors.ts";

/** 200 with `jwt`, times in seconds; 401. */
export async function validateJwt(call: Call): Promise<Response> {
  const claims = await userToken(call);
  if (claims === null) throw new RequestRefusedError(401);
  return json({ jwt: claims });
}
