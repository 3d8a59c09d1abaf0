/** The two pages that show a cart: the user's own, which needs a signed-in user (W1 steps 10–12), and a guest's. */
import { visitor } from "@latchkey/session/fastify";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { CartOwner } from "../carts.ts";
import { cartOwner, type Shop } from "../shop.ts";

/** Adds `GET /shopping-cart` and `GET /cart`. */
export function cart(app: FastifyInstance, { carts, guestCart, show }: Shop): void {
  const showCart = (reply: FastifyReply, owner: CartOwner | null) => {
    const lines = owner === null ? [] : carts.lines(owner);
    const total = lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
    return show(reply, "cart", { lines, total });
  };

  app.get("/shopping-cart", (request, reply) =>
    showCart(reply, { user: visitor(request).signedIn().user.id }),
  );

  app.get("/cart", (request, reply) => {
    if (visitor(request).session !== null) return reply.redirect("/shopping-cart", 302);
    return showCart(reply, cartOwner(request, guestCart));
  });
}
