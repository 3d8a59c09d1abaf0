/**
 * Which paths a guest may request, and where signing in leads. Everything open is for reading; what writes has a path
 * of its own, so that it can't slip through an open pattern (ASVS 8.2.1).
 */

/** The paths open to guests, for `createSessions`. The login page is open by itself. */
export const publicPaths: readonly string[] = ["/", "/threads/*"];

/** Where signing in leads when nothing else was asked for, for `createSessions`. */
export const afterSignIn = "/posts";

/** Where the identity provider's webhooks arrive, for `createSessions`, which answers them itself. */
export const webhookPath = "/webhooks/identity-provider";

/** How long after giving the password nobody is asked for it again, also not for what is sensitive (ASVS 7.5.1). */
export const recently = "10m";
