/** What a visitor sees of an error: a status and a plain sentence, never a stack or a message of ours (CWE-209). */
import type { FastifyReply } from "fastify";
import { page } from "./pages.ts";

const sentences: Record<number, string> = {
  401: "This page is for signed-in customers.",
  413: "The form was larger than this shop accepts.",
  415: "This shop takes forms only.",
  503: "The shop is not available right now. Nothing is lost: please try again shortly.",
};

/** Answers with the status an error carries, or 500. Calls `report` with what only an operator can mend. */
export function answerError(
  error: unknown,
  reply: FastifyReply,
  report: (error: unknown) => void,
): FastifyReply {
  const status = statusOf(error);
  if (status >= 500) report(error);
  if (status === 503) reply.header("retry-after", "5");
  const fallback =
    status < 500 ? "The shop can't make sense of this request." : "It is our fault. Please try again later.";
  return reply
    .code(status)
    .type("text/html; charset=utf-8")
    .send(page(status, sentences[status] ?? fallback));
}

function statusOf(error: unknown): number {
  if (!(error instanceof Error)) return 500;
  // The database is locked, full or gone.
  if ("code" in error && error.code === "ERR_SQLITE_ERROR") return 503;
  const status = "statusCode" in error ? error.statusCode : undefined;
  return typeof status === "number" && status >= 400 && status <= 599 ? status : 500;
}
