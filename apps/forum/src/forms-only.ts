/** Reads posted forms, and nothing else: a body of another type is refused instead of read as an empty form. */
import { type RequestHandler, urlencoded } from "express";

/** Express's parser for forms: flat fields of at most 64 kB. */
export const readForms: RequestHandler = urlencoded({ extended: false, limit: "64kb" });

/** Refuses what the parser above left alone (RFC 9110 §15.5.16). */
export const refuseOtherBodies: RequestHandler = (request, _response, next) => {
  // `null`: there is no body at all.
  const type = request.is("application/x-www-form-urlencoded");
  next(type === false ? Object.assign(new Error("Not a form."), { status: 415 }) : undefined);
};
