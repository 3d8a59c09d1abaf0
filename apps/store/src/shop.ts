/** What the routes work with, and the one place that says whose cart a request is about. */
import { visitor } from "@latchkey/session/fastify";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { CartOwner, Carts } from "./carts.ts";
import type { Catalogue } from "./catalogue.ts";
import type { GuestCartCookie } from "./guest-cart.ts";
import { message, type Show } from "./pages.ts";

/** The parts of the shop. */
export interface Shop {
  readonly catalogue: Catalogue;
  readonly carts: Carts;
  readonly guestCart: GuestCartCookie;
  readonly show: Show;
  readonly origin: string;
}

/** Whose cart a request is about; `null` for a guest who has none yet. A signed-in user's guest cookie counts for nothing. */
export function cartOwner(request: FastifyRequest, guestCart: GuestCartCookie): CartOwner | null {
  const { session } = visitor(request);
  if (session !== null) return { user: session.user.id };
  const guest = guestCart.read(request);
  return guest === null ? null : { guest };
}

/** Answers with a page that says what was wrong with the request. */
export function refuse({ show }: Shop, reply: FastifyReply, status: number, sentence: string): FastifyReply {
  return show(reply.code(status), "message", message(status, sentence));
}
