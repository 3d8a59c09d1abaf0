/** The home page: everything the shop sells (W1 steps 1–2). */
import type { FastifyInstance } from "fastify";
import type { Shop } from "../shop.ts";

/** Adds `GET /`. */
export function home(app: FastifyInstance, { catalogue, show }: Shop): void {
  app.get("/", (_request, reply) => show(reply, "home", { products: catalogue.all() }));
}
