/**
 * Which paths a guest may request, and where signing in leads. Every path that is not named here needs a signed-in user:
 * a new page is closed until somebody opens it (ASVS 8.2.1).
 */

/** The paths open to guests, for `createSessions`. The login page is open by itself. */
export const publicPaths: readonly string[] = [
  "/",
  "/cart",
  "/shopping-cart/items",
  "/shopping-cart/items/*",
];

/** Where signing in leads when nothing else was asked for, for `createSessions`. */
export const afterSignIn = "/shopping-cart";

/** Where the identity provider's webhooks arrive, for `createSessions`, which answers them itself. */
export const webhookPath = "/webhooks/identity-provider";

/** How long after giving the password nobody is asked for it again, also not for what is sensitive (ASVS 7.5.1). */
export const recently = "10m";
