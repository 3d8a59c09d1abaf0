/**
 * Which paths a guest may request, and where signing in leads. Everything open is for reading; what writes has a path
 * of its own, so that it can't slip through an open pattern (ASVS 8.2.1).
 */

/** The paths open to guests, for `createSessions`. The login page is open by itself. */
export const publicPaths: readonly string[] = ["/", "/threads/*"];

/** Where signing in leads when nothing else was asked for, for `createSessions`. */
export const afterSignIn = "/posts";
