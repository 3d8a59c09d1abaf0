/** The native login form and what it posts (W1 steps 15–23). This file sees a password pass by; it must not keep it. */
import { type SignInRefusal, safeReturnTo } from "@latchkey/session";
import { visitor } from "@latchkey/session/express";
import type { Express } from "express";
import { field } from "../fields.ts";
import { show } from "../pages.ts";
import { afterSignIn } from "../paths.ts";

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
    const { session, returnTo } = visitor(request);
    if (session !== null) return response.redirect(302, afterSignIn);
    show(response, "login", { returnTo, email: "", remember: false, problem: null });
  });

  app.post("/login", async (request, response) => {
    const body: unknown = request.body;
    const email = field(body, "email");
    const returnTo = field(body, "returnTo");
    const remember = field(body, "remember") === "yes";
    const form = { loginId: email, password: field(body, "password"), remember, returnTo };
    const result = await visitor(request).signIn(form);
    if (result.outcome === "signed-in") return response.redirect(302, result.location);
    if (result.outcome === "unavailable") response.set("retry-after", "5");
    const problem =
      result.outcome === "refused"
        ? refusals[result.reason]
        : "Signing in is not available for a moment. Please try again shortly.";
    const again = { email: email ?? "", remember, returnTo: safeReturnTo(returnTo, origin), problem };
    show(response.status(result.status), "login", again);
  });
}
