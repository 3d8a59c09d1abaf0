/** Reads posted forms, and nothing else: a body of another type is refused instead of read as an empty form. */
import { type RequestHandler, urlencoded } from "express";
import { webhookPath } from "./paths.ts";

/** Express's parser for forms: flat fields of at most 64 kB. */
export const readForms: RequestHandler = urlencoded({ extended: false, limit: "64kb" });

/**
 * Refuses what the parser above left alone (RFC 9110 §15.5.16), except the webhooks, which `latchkey` reads itself. A
 * request without a body names no type, and passes.
 */
export const refuseOtherBodies: RequestHandler = (request, _response, next) => {
  const isForm = request.is("application/x-www-form-urlencoded") !== false;
  const isOther = request.get("content-type") !== undefined && !isForm && request.path !== webhookPath;
  next(isOther ? Object.assign(new Error("Not a form."), { status: 415 }) : undefined);
};
