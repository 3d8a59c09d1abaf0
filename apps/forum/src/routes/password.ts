/** Changing the password. This file sees passwords pass by; it must not keep them. */
import type { ChangePasswordResult } from "@latchkey/session";
import { requireRecentSignIn, visitor } from "@latchkey/session/express";
import type { Express, Response } from "express";
import { field } from "../fields.ts";
import { show } from "../pages.ts";
import { recently } from "../paths.ts";
import { tooManyAttempts } from "../throttled.ts";

// Without script nothing can be shown as it is typed: typing it twice is what catches a slip.
const different = "The new password was not typed the same way twice.";

/** Adds `GET /account/password` and `POST /account/password`. */
export function password(app: Express): void {
  const guard = requireRecentSignIn(recently, { returnTo: "/account/password" });

  app.get("/account/password", guard, (_request, response) => showForm(response, []));

  app.post("/account/password", guard, async (request, response) => {
    const body: unknown = request.body;
    const newPassword = field(body, "new-password");
    if (newPassword !== field(body, "new-password-again")) return showForm(response.status(400), [different]);
    const form = { currentPassword: field(body, "current-password"), newPassword };
    const result = await visitor(request).changePassword(form);
    if (result.outcome === "changed")
      return response.redirect(303, result.session === null ? result.location : "/account?done=password");
    if (result.outcome !== "refused") response.set("retry-after", String(result.retryAfter));
    showForm(response.status(result.status), problemsOf(result));
  });
}

function showForm(response: Response, problems: readonly string[]): void {
  const { user } = visitor(response.req).signedIn();
  show(response, "password", { user, problems });
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
