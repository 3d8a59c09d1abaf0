/** The account page: where the user is signed in. What can be done about it is devices.ts and password.ts. */
import { visitor } from "@latchkey/session/fastify";
import type { FastifyInstance } from "fastify";
import { notice } from "../notices.ts";
import type { Shop } from "../shop.ts";

/** Adds `GET /account`. */
export function account(app: FastifyInstance, { show }: Shop): void {
  app.get("/account", async (request, reply) => {
    const { user } = visitor(request).signedIn();
    const devices = await visitor(request).devices();
    return show(reply, "account", { user, devices, notice: notice(request.query) });
  });
}
