/** Reading a thread. Open to everybody. */
import type { Express, Response } from "express";
import { wholeNumber } from "../fields.ts";
import { refuse, show } from "../pages.ts";
import type { Threads } from "../threads.ts";

/** Adds `GET /threads/:id`. */
export function thread(app: Express, threads: Threads): void {
  app.get("/threads/:id", (request, response) => {
    const id = wholeNumber(request.params.id);
    const page = request.query["page"] === undefined ? 1 : wholeNumber(request.query["page"]);
    showThread(response, threads, id, page, { text: "", problem: null });
  });
}

/** Shows a page of a thread, with what stands in its reply form; 404 when there is no such page. */
export function showThread(
  response: Response,
  threads: Threads,
  id: number | null,
  page: number | null,
  reply: { text: string; problem: string | null },
): void {
  const found = id === null || page === null ? null : threads.page(id, page);
  if (found === null) return refuse(response, 404, "There is no such thread, or not that much of it.");
  show(response, "thread", { thread: found, reply });
}
