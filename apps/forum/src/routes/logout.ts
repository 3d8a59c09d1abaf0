/** Signing out. A POST with a form token, so that no link and no other site can do it (CWE-352). */
import { visitor } from "@latchkey/session/express";
import type { Express } from "express";

/** Adds `POST /logout`. */
export function logout(app: Express): void {
  app.post("/logout", async (request, response) => {
    await visitor(request).signOut();
    response.redirect(302, "/");
  });
}
