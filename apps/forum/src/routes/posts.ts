/** A member's own posts (W1 step 24), replying, and deleting. Needs a signed-in member: no path of this file is open. */
import { visitor } from "@latchkey/session/express";
import type { Express } from "express";
import { field, postField, wholeNumber } from "../fields.ts";
import { publicName, refuse, show } from "../pages.ts";
import type { Place, Threads } from "../threads.ts";
import { showThread } from "./thread.ts";

/** Adds `GET /posts`, `POST /posts` and `POST /posts/:id/delete`. */
export function posts(app: Express, threads: Threads): void {
  app.get("/posts", (request, response) => {
    const { user } = visitor(request).signedIn();
    show(response, "posts", { posts: threads.byAuthor(user.id) });
  });

  app.post("/posts", (request, response) => {
    const session = visitor(request).signedIn();
    const thread = wholeNumber(field(request.body, "thread"));
    const post = postField(request.body);
    if (thread === null) return refuse(response, 404, noSuchThread);
    if (post.problem !== null) return showThread(response.status(400), threads, thread, 1, post);
    const author = { id: session.user.id, name: publicName(session) };
    const place = threads.reply(thread, post.text, author);
    if (place === null) return refuse(response, 404, noSuchThread);
    response.redirect(303, pathTo(place));
  });

  app.post("/posts/:id/delete", (request, response) => {
    const { user } = visitor(request).signedIn();
    const id = wholeNumber(request.params.id);
    const deleted = id !== null && threads.deletePost(id, user.id);
    if (!deleted) return refuse(response, 404, "You have no such post.");
    response.redirect(303, "/posts");
  });
}

const noSuchThread = "There is no such thread any more.";

/** The address of a post. Redirects to it are 303: reloading must not post again (RFC 9110 §15.4.4). */
export function pathTo({ thread, page, post }: Place): string {
  return `/threads/${thread}${page === 1 ? "" : `?page=${page}`}#post-${post}`;
}
