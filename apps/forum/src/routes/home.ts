/** The home page: the threads, those with the latest posts first. Open to everybody, and sets no cookie for a reader. */
import type { Express } from "express";
import { show } from "../pages.ts";
import type { Threads } from "../threads.ts";

/** Adds `GET /`. */
export function home(app: Express, threads: Threads): void {
  app.get("/", (_request, response) => show(response, "home", { threads: threads.latest() }));
}
