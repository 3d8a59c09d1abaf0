/** The native login form and what it posts (W1 steps 3–9). This file sees a password pass by; it must not keep it. */
import { type SignInRefusal, safeReturnTo } from "@latchkey/session";
import { visitor } from "@latchkey/session/fastify";
import type { FastifyInstance } from "fastify";
import { field } from "../fields.ts";
import { afterSignIn } from "../paths.ts";
import type { Shop } from "../shop.ts";

/** One sentence for an unknown email and a wrong password: it must not tell who is a customer (ASVS 6.3.8). */
const refusals: Record<SignInRefusal, string> = {
  "invalid-credentials": "Email or password is not right.",
  "invalid-input": "Please fill in your email and your password.",
  locked: "This account is locked. Please try again later, or write to us.",
  expired: "This account has expired.",
  prevented: "This account can't sign in at the moment.",
  "not-registered": "This account is not registered with the shop.",
  "password-change-required": "Your password has to be changed before you can sign in.",
  "verification-required": "Please confirm your email address first.",
  "second-factor-required": "This account needs a second factor, which the shop does not ask for yet.",
};

/** Adds `GET /login` and `POST /login`. */
export function login(app: FastifyInstance, { carts, guestCart, origin, show }: Shop): void {
  app.get("/login", (request, reply) => {
    const { session, returnTo } = visitor(request);
    if (session !== null) return reply.redirect(afterSignIn, 302);
    return show(reply, "login", { returnTo, email: "", remember: false, problem: null });
  });

  app.post("/login", async (request, reply) => {
    const { body } = request;
    const email = field(body, "email");
    const returnTo = field(body, "returnTo");
    const remember = field(body, "remember") === "yes";
    const form = { loginId: email, password: field(body, "password"), remember, returnTo };
    const result = await visitor(request).signIn(form);
    if (result.outcome === "signed-in") {
      const guest = guestCart.read(request);
      if (guest !== null) {
        carts.handOver(guest, result.session.user.id);
        guestCart.clear(reply);
      }
      return reply.redirect(result.location, 302);
    }
    if (result.outcome === "unavailable") reply.header("retry-after", "5");
    const problem =
      result.outcome === "refused"
        ? refusals[result.reason]
        : "Signing in is not available for a moment. Please try again shortly.";
    const again = { email: email ?? "", remember, returnTo: safeReturnTo(returnTo, origin), problem };
    return show(reply.code(result.status), "login", again);
  });
}
