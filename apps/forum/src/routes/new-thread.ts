/** Starting a thread. Needs a signed-in member: no path of this file is open. */
import { visitor } from "@latchkey/session/express";
import type { Express } from "express";
import { postField, titleField } from "../fields.ts";
import { publicName, show } from "../pages.ts";
import type { Threads } from "../threads.ts";
import { pathTo } from "./posts.ts";

/** Adds `GET /new-thread` and `POST /new-thread`. */
export function newThread(app: Express, threads: Threads): void {
  app.get("/new-thread", (_request, response) => {
    const empty = { text: "", problem: null };
    show(response, "new-thread", { title: empty, post: empty });
  });

  app.post("/new-thread", (request, response) => {
    const session = visitor(request).signedIn();
    const title = titleField(request.body);
    const post = postField(request.body);
    if (title.problem !== null || post.problem !== null)
      return show(response.status(400), "new-thread", { title, post });
    const author = { id: session.user.id, name: publicName(session) };
    response.redirect(303, pathTo(threads.start(title.text, post.text, author)));
  });
}
