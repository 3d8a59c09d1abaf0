/** The native login form and what it posts (W1 steps 15–23). This file sees a password pass by; it must not keep it. */
import { type Session, type SignInRefusal, type SignInResult, safeReturnTo } from "@latchkey/session";
import { visitor } from "@latchkey/session/express";
import type { Express } from "express";
import { field } from "../fields.ts";
import { notice } from "../notices.ts";
import { show } from "../pages.ts";
import { afterSignIn, recently } from "../paths.ts";
import { tooManyAttempts } from "../throttled.ts";

/** One sentence for an unknown email and a wrong password: it must not tell who is a member (ASVS 6.3.8). */
const refusals: Record<SignInRefusal, string> = {
  "invalid-credentials": "Email or password is not right.",
  "invalid-input": "Please fill in your email and your password.",
  locked: "This account is locked. Please try again later, or write to a moderator.",
  expired: "This account has expired.",
  prevented: "This account can't sign in at the moment.",
  "not-registered": "This account is not a member of the forum.",
  "password-change-required": "Your password has to be changed before you can sign in.",
  "verification-required": "Please confirm your email address first.",
  "second-factor-required": "This account needs a second factor, which the forum does not ask for yet.",
};

/** Adds `GET /login` and `POST /login`. */
export function login(app: Express, origin: string): void {
  app.get("/login", (request, response) => {
    const known = visitor(request);
    const { session, returnTo } = known;
    const empty = { returnTo, remember: false, problem: null };
    if (session === null)
      return show(response, "login", { ...empty, email: "", notice: notice(request.query) });
    if (returnTo === null || known.signedInWithin(recently))
      return response.redirect(302, returnTo ?? afterSignIn);
    show(response, "confirm", { ...empty, email: loginIdOf(session) });
  });

  app.post("/login", async (request, response) => {
    const body: unknown = request.body;
    const email = field(body, "email");
    const returnTo = field(body, "returnTo");
    const remember = field(body, "remember");
    const form = { loginId: email, password: field(body, "password"), remember: isKept(remember), returnTo };
    const result = await visitor(request).signIn(form);
    if (result.outcome === "signed-in") return response.redirect(302, result.location);
    if (result.outcome !== "refused") response.set("retry-after", String(result.retryAfter));
    const again = {
      email: email ?? "",
      remember: remember === "yes",
      returnTo: safeReturnTo(returnTo, origin),
      problem: problemOf(result),
      notice: null,
    };
    const isConfirming = remember === asBefore && visitor(request).session !== null;
    show(response.status(result.status), isConfirming ? "confirm" : "login", again);
  });
}

/** What the form of confirm.eta sends for "keep me signed in": it doesn't ask again. */
const asBefore = "as-before";

function isKept(remember: string | null): boolean | undefined {
  return remember === asBefore ? undefined : remember === "yes";
}

function loginIdOf({ user }: Session): string {
  return user.email ?? user.username ?? "";
}

function problemOf(result: Exclude<SignInResult, { outcome: "signed-in" }>): string {
  if (result.outcome === "refused") return refusals[result.reason];
  if (result.outcome === "throttled") return tooManyAttempts(result.retryAfter);
  return "Signing in is not available for a moment. Please try again shortly.";
}
