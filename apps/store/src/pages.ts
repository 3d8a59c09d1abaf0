/**
 * How a page is made: a view from views/, in the layout, with who is signed in. Views escape what they print, and a form
 * token is made only where a view asks for one, since asking sets a cookie for a guest.
 */
import { join } from "node:path";
import { formTokenField, type Session } from "@latchkey/session";
import { visitor } from "@latchkey/session/fastify";
import { Eta } from "eta";
import type { FastifyReply } from "fastify";

const eta = new Eta({ views: join(import.meta.dirname, "../views"), autoEscape: true, cache: true });

const html = "text/html; charset=utf-8";

const euros = new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" });

const date = new Intl.DateTimeFormat("en-IE", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });

/** Answers a request with a view; `data` is what the view calls `it`. */
export type Show = (reply: FastifyReply, view: string, data?: object) => FastifyReply;

/** Pages for requests whose visitor is known. `cartCount` says what the visitor's cart holds. */
export function pages(cartCount: (reply: FastifyReply) => number): Show {
  return (reply, view, data = {}) => {
    const known = visitor(reply.request);
    const { session } = known;
    const layout = {
      account: session && accountName(session),
      cart: { path: session === null ? "/cart" : "/shopping-cart", count: cartCount(reply) },
      formTokenField,
      formToken: () => known.formToken(),
      time,
      price: (cents: number) => euros.format(cents / 100),
    };
    return reply.type(html).send(eta.render(view, { ...layout, ...data }));
  };
}

function accountName({ user }: Session): string {
  return user.fullName ?? user.firstName ?? user.username ?? user.email ?? "your account";
}

function time(milliseconds: number): { iso: string; text: string } {
  return { iso: new Date(milliseconds).toISOString(), text: date.format(milliseconds) };
}

const headings: Record<number, string> = {
  401: "Please sign in",
  403: "That was not sent",
  404: "Not found",
  413: "That is too much",
  500: "Something went wrong",
  503: "Back in a moment",
};

/** What the message view shows for a status. */
export function message(status: number, sentence: string): { heading: string; sentence: string } {
  return { heading: headings[status] ?? "That did not work", sentence };
}

/** A page without a visitor, as HTML: for errors, and for the refusals and outages of `createSessions`. */
export function page(status: number, sentence: string): string {
  return eta.render("message", { account: null, cart: null, ...message(status, sentence) });
}
