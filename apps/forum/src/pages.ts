/**
 * How a page is made: a view from views/, in the layout, with who is signed in. Views escape what they print, and a form
 * token is made only where a view asks for one, since asking sets a cookie for a guest.
 */
import { join } from "node:path";
import { formTokenField, type Session } from "@latchkey/session";
import { visitor } from "@latchkey/session/express";
import { Eta } from "eta";
import type { Response } from "express";
import { longest } from "./fields.ts";

const eta = new Eta({ views: join(import.meta.dirname, "../views"), autoEscape: true, cache: true });

const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });

/** Answers a request whose visitor is known with a view; `data` is what the view calls `it`. */
export function show(response: Response, view: string, data: object = {}): void {
  const known = visitor(response.req);
  const layout = {
    account: known.session && publicName(known.session),
    isSignInOffered: true,
    formTokenField,
    formToken: () => known.formToken(),
    time,
    longest,
  };
  response.type("html").send(eta.render(view, { ...layout, ...data }));
}

/** The name a member is known by here. Never the email address: members read each other's names. */
export function publicName({ user }: Session): string {
  const both = [user.firstName, user.lastName].filter((name) => name !== undefined).join(" ");
  return user.fullName ?? (both || (user.username ?? "A member"));
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

/** Answers with a page that says what was wrong with the request. */
export function refuse(response: Response, status: number, sentence: string): void {
  show(response.status(status), "message", { heading: heading(status), sentence });
}

/** A page without a visitor, as HTML: for errors, and for the refusals and outages of `createSessions`. */
export function page(status: number, sentence: string): string {
  const layout = { account: null, isSignInOffered: false };
  return eta.render("message", { ...layout, heading: heading(status), sentence });
}

function heading(status: number): string {
  return headings[status] ?? "That did not work";
}
