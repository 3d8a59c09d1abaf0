/**
 * Threads and their posts in the database. Who may do what is decided here for deleting alone: the author's id is part
 * of the question, so that a post of somebody else's is simply not found (CWE-639).
 */
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { transaction } from "./database.ts";

/** Who writes: the user's id, and the name shown beside the post. */
export interface Author {
  readonly id: string;
  readonly name: string;
}

/** A post as it is shown. */
export interface Post {
  readonly id: number;
  readonly thread: number;
  readonly title: string;
  readonly author: string;
  readonly text: string;
  /** Epoch milliseconds. */
  readonly postedAt: number;
}

/** A thread in the list: its latest post, and how many there are. */
export interface ThreadSummary {
  readonly latest: Post;
  readonly posts: number;
}

/** One page of a thread. */
export interface ThreadPage {
  readonly id: number;
  readonly title: string;
  readonly posts: readonly Post[];
  readonly page: number;
  readonly pages: number;
}

/** Where a post stands. */
export interface Place {
  readonly thread: number;
  readonly page: number;
  readonly post: number;
}

/** The threads of one forum. */
export interface Threads {
  /** The threads somebody has written in most lately, newest first, at most a hundred. */
  latest(): ThreadSummary[];
  /** A page of a thread, counted from 1; `null` when there is no such thread or page. */
  page(thread: number, page: number): ThreadPage | null;
  /** Starts a thread with its first post. */
  start(title: string, text: string, author: Author): Place;
  /** Adds a post; `null`, and nothing stored, when there is no such thread. */
  reply(thread: number, text: string, author: Author): Place | null;
  /** A user's posts, newest first, at most a hundred. */
  byAuthor(authorId: string): Post[];
  /** Deletes a post of that author's, and a thread that is empty then; `false` if the author has no such post. */
  deletePost(post: number, authorId: string): boolean;
}

/** Posts on one page of a thread: it keeps a page of the longest posts under 200 kB. */
export const postsPerPage = 30;

const post = `posts.id, thread, title, author, text, posted_at AS postedAt`;

/** The threads in `database`. */
export function createThreads(database: DatabaseSync, now: () => number): Threads {
  const latest = database.prepare(`
    SELECT ${post}, (SELECT count(*) FROM posts AS all_posts WHERE all_posts.thread = threads.id) AS count
    FROM threads JOIN posts ON posts.id = latest_post
    ORDER BY latest_post DESC LIMIT 100`);
  const thread = database.prepare(`
    SELECT threads.id, title, count(*) AS count FROM threads JOIN posts ON thread = threads.id
    WHERE threads.id = ? GROUP BY threads.id`);
  const postsOf = database.prepare(`
    SELECT ${post} FROM posts JOIN threads ON threads.id = thread
    WHERE thread = ? ORDER BY posts.id LIMIT ${postsPerPage} OFFSET ?`);
  const ofAuthor = database.prepare(`
    SELECT ${post} FROM posts JOIN threads ON threads.id = thread
    WHERE author_id = ? ORDER BY posts.id DESC LIMIT 100`);
  const insertThread = database.prepare("INSERT INTO threads (title) VALUES (?)");
  const insertPost = database.prepare(
    "INSERT INTO posts (thread, author_id, author, text, posted_at) VALUES (?, ?, ?, ?, ?)",
  );
  const setLatest = database.prepare(`
    UPDATE threads SET latest_post = coalesce((SELECT max(id) FROM posts WHERE thread = threads.id), 0)
    WHERE id = ?`);
  const remove = database.prepare("DELETE FROM posts WHERE id = ? AND author_id = ? RETURNING thread");
  const removeEmpty = database.prepare("DELETE FROM threads WHERE id = ? AND latest_post = 0");

  const add = (threadId: number, text: string, { id, name }: Author): Place => {
    const added = Number(insertPost.run(threadId, id, name, text, now()).lastInsertRowid);
    setLatest.run(threadId);
    return { thread: threadId, page: pagesFor(Number(thread.get(threadId)?.["count"])), post: added };
  };

  return {
    latest: () => latest.all().map((row) => ({ latest: postOf(row), posts: Number(row["count"]) })),
    page(id, page) {
      const found = thread.get(id);
      const pages = pagesFor(Number(found?.["count"] ?? 0));
      if (found === undefined || page > pages) return null;
      const posts = postsOf.all(id, (page - 1) * postsPerPage).map(postOf);
      return { id, title: String(found["title"]), posts, page, pages };
    },
    start: (title, text, author) =>
      transaction(database, () => add(Number(insertThread.run(title).lastInsertRowid), text, author)),
    reply: (id, text, author) =>
      transaction(database, () => (thread.get(id) === undefined ? null : add(id, text, author))),
    byAuthor: (authorId) => ofAuthor.all(authorId).map(postOf),
    deletePost: (id, authorId) =>
      transaction(database, () => {
        const thread = remove.get(id, authorId)?.["thread"];
        if (thread === undefined) return false;
        setLatest.run(thread);
        removeEmpty.run(thread);
        return true;
      }),
  };
}

function pagesFor(posts: number): number {
  return Math.ceil(posts / postsPerPage);
}

function postOf(row: Record<string, SQLOutputValue>): Post {
  return {
    id: Number(row["id"]),
    thread: Number(row["thread"]),
    title: String(row["title"]),
    author: String(row["author"]),
    text: String(row["text"]),
    postedAt: Number(row["postedAt"]),
  };
}
