/** What a form can do to a cart: add, change how many, remove. It works on the visitor's own cart and takes no other's name. */
import { visitor } from "@latchkey/session/fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { CartOwner } from "../carts.ts";
import { field, quantityField } from "../fields.ts";
import { cartOwner, refuse, type Shop } from "../shop.ts";

const noSuchProduct = "The shop does not sell this.";
const notInCart = "This is not in your cart any more.";
const notAQuantity = "A quantity is a whole number from 1 to 99.";

interface ItemRoute {
  Params: { product: string };
}

/** Adds `POST /shopping-cart/items`, `…/items/:product` and `…/items/:product/remove`. */
export function cartItems(app: FastifyInstance, shop: Shop): void {
  const { catalogue, carts, guestCart } = shop;

  app.post("/shopping-cart/items", (request, reply) => {
    const product = field(request.body, "product");
    const quantity = quantityField(request.body);
    if (product === null || !catalogue.has(product)) return refuse(shop, reply, 404, noSuchProduct);
    if (quantity === null) return refuse(shop, reply, 400, notAQuantity);
    carts.add(ownerOrNewGuest(shop, request, reply), product, quantity);
    return backToCart(request, reply);
  });

  app.post<ItemRoute>("/shopping-cart/items/:product", (request, reply) => {
    const quantity = quantityField(request.body);
    if (quantity === null) return refuse(shop, reply, 400, notAQuantity);
    const owner = cartOwner(request, guestCart);
    const changed = owner !== null && carts.setQuantity(owner, request.params.product, quantity);
    return changed ? backToCart(request, reply) : refuse(shop, reply, 404, notInCart);
  });

  app.post<ItemRoute>("/shopping-cart/items/:product/remove", (request, reply) => {
    const owner = cartOwner(request, guestCart);
    const removed = owner !== null && carts.remove(owner, request.params.product);
    return removed ? backToCart(request, reply) : refuse(shop, reply, 404, notInCart);
  });
}

/** A secret that opens no cart of ours was not made here, or is used up: it gets a new one (CWE-384). */
function ownerOrNewGuest(
  { carts, guestCart }: Shop,
  request: FastifyRequest,
  reply: FastifyReply,
): CartOwner {
  const owner = cartOwner(request, guestCart);
  const isKnown = owner !== null && ("user" in owner || carts.count(owner) > 0);
  return isKnown ? owner : { guest: guestCart.issue(reply) };
}

/** 303: reloading the page that follows must not send the form again (RFC 9110 §15.4.4). */
function backToCart(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.redirect(visitor(request).session === null ? "/cart" : "/shopping-cart", 303);
}
