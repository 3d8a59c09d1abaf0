/** The account page: where the member is signed in. What can be done about it is devices.ts and password.ts. */
import { visitor } from "@latchkey/session/express";
import type { Express } from "express";
import { notice } from "../notices.ts";
import { show } from "../pages.ts";

/** Adds `GET /account`. */
export function account(app: Express): void {
  app.get("/account", async (request, response) => {
    const { user } = visitor(request).signedIn();
    const devices = await visitor(request).devices();
    show(response, "account", { user, devices, notice: notice(request.query) });
  });
}
