/** Changing the password. This file sees passwords pass by; it must not keep them. */
import type { ChangePasswordResult } from "@latchkey/session";
import { requireRecentSignIn, visitor } from "@latchkey/session/fastify";
import type { FastifyInstance, FastifyReply } from "fastify";
import { field } from "../fields.ts";
import { recently } from "../paths.ts";
import type { Shop } from "../shop.ts";
import { tooManyAttempts } from "../throttled.ts";

// Without script nothing can be shown as it is typed: typing it twice is what catches a slip.
const different = "The new password was not typed the same way twice.";

/** Adds `GET /account/password` and `POST /account/password`. */
export function password(app: FastifyInstance, { show }: Shop): void {
  const guarded = { preHandler: requireRecentSignIn(recently, { returnTo: "/account/password" }) };
  const showForm = (reply: FastifyReply, problems: readonly string[]) => {
    const { user } = visitor(reply.request).signedIn();
    return show(reply, "password", { user, problems });
  };

  app.get("/account/password", guarded, (_request, reply) => showForm(reply, []));

  app.post("/account/password", guarded, async (request, reply) => {
    const { body } = request;
    const newPassword = field(body, "new-password");
    if (newPassword !== field(body, "new-password-again")) return showForm(reply.code(400), [different]);
    const form = { currentPassword: field(body, "current-password"), newPassword };
    const result = await visitor(request).changePassword(form);
    if (result.outcome === "changed")
      return reply.redirect(result.session === null ? result.location : "/account?done=password", 303);
    if (result.outcome !== "refused") reply.header("retry-after", String(result.retryAfter));
    return showForm(reply.code(result.status), problemsOf(result));
  });
}

function problemsOf(result: Exclude<ChangePasswordResult, { outcome: "changed" }>): readonly string[] {
  if (result.outcome === "throttled") return [tooManyAttempts(result.retryAfter)];
  if (result.outcome === "unavailable")
    // An answer that was lost on its way may have been a yes.
    return [
      "Passwords can't be changed for a moment. Please try again shortly; should your password not be right any more, it is the new one.",
    ];
  if (result.reason === "wrong-password") return ["Your current password is not right."];
  if (result.reason === "invalid-input") return ["Please fill in your current password and a new one."];
  return result.problems.length > 0
    ? result.problems
    : ["This password can't be used. Please choose another."];
}
