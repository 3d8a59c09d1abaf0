/** What a visitor sees of an error: a status and a plain sentence, never a stack or a message of ours (CWE-209). */
import type { ErrorRequestHandler } from "express";
import { page } from "./pages.ts";

const sentences: Record<number, string> = {
  401: "This is for signed-in members.",
  413: "The form was larger than this forum accepts.",
  415: "This forum takes forms only.",
  503: "The forum is not available right now. Nothing is lost: please try again shortly.",
};

/** Answers with the status an error carries, or 500. Calls `report` with what only an operator can mend. */
export function answerErrors(report: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    const status = statusOf(error);
    if (status >= 500) report(error);
    // Half a page is out: Express closes the connection, so that nobody takes it for a whole one.
    if (response.headersSent) return next(error);
    if (status === 503) response.set("retry-after", "5");
    const fallback =
      status < 500
        ? "The forum can't make sense of this request."
        : "It is our fault. Please try again later.";
    response
      .status(status)
      .type("html")
      .send(page(status, sentences[status] ?? fallback));
  };
}

function statusOf(error: unknown): number {
  if (!(error instanceof Error)) return 500;
  // The database is locked, full or gone.
  if ("code" in error && error.code === "ERR_SQLITE_ERROR") return 503;
  const status = "status" in error ? error.status : undefined;
  return typeof status === "number" && status >= 400 && status <= 599 ? status : 500;
}
