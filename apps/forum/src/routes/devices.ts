/** Signing out devices: one, the others, all. Each asks for the password first if it was given long ago (ASVS 7.5.2). */
import { requireRecentSignIn, visitor } from "@latchkey/session/express";
import type { Express } from "express";
import { field } from "../fields.ts";
import { refuse } from "../pages.ts";
import { recently } from "../paths.ts";

/** Adds `POST /account/devices/end`, `…/end-others` and `…/end-all`. */
export function devices(app: Express): void {
  const guard = requireRecentSignIn(recently, { returnTo: "/account" });

  app.post("/account/devices/end", guard, async (request, response) => {
    const known = visitor(request);
    const isEnded = await known.endDevice(field(request.body, "device"));
    if (!isEnded) return refuse(response, 404, "This device is not signed in any more.");
    response.redirect(303, known.session === null ? "/" : "/account?done=device");
  });

  app.post("/account/devices/end-others", guard, async (request, response) => {
    await visitor(request).signOutOthers();
    response.redirect(303, "/account?done=others");
  });

  app.post("/account/devices/end-all", guard, async (request, response) => {
    await visitor(request).signOutEverywhere();
    response.redirect(303, "/login?done=everywhere");
  });
}
