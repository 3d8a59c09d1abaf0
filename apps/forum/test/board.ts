/** A forum for a test, with a database in a file, so that a test can look at what was stored from beside it. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll } from "vitest";
// The company is the same one, and so is what a browser does; the shop's code is not touched.
import { type Browser, browser, type Filled, type Page } from "../../../test/applications/browser.ts";
import { type Company, type Person, startCompany } from "../../../test/applications/company.ts";
import { afterSignIn, createForum, type ForumOptions, page, publicPaths, webhookPath } from "../src/index.ts";

/** A forum that is listening. */
export interface Board {
  readonly company: Company;
  readonly errors: unknown[];
  /** A browser that has been nowhere yet; it says that it is `userAgent`. */
  visitor(userAgent?: string): Browser;
  /** A visitor who has signed in through the form. */
  member(person: Person): Promise<Browser>;
  /** How many threads and posts are stored. */
  counts(): { threads: number; posts: number };
  query(sql: string): Record<string, unknown>[];
}

/** Opens a forum before the tests of a file and closes it after them. */
export function openBoard(options: Partial<ForumOptions> = {}): Board {
  const origin = options.origin ?? "http://forum.localhost";
  const errors: unknown[] = [];
  const opened: { company?: Company; address?: string; beside?: DatabaseSync } = {};
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "latchkey-forum-"));
    const database = join(folder, "forum.sqlite");
    const company = await startCompany();
    const sessions = company.sessionsFor("forum", {
      origin,
      publicPaths,
      afterSignIn,
      webhookPath,
      page,
    });
    const onError = (error: unknown) => errors.push(error);
    const forum = createForum({ sessions, database, origin, onError, ...options });
    const server = createServer((request, response) => void forum.app(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    const address = typeof bound === "object" && bound !== null ? `http://127.0.0.1:${bound.port}` : "";
    const beside = new DatabaseSync(database);
    Object.assign(opened, { company, address, beside });
    closing.push(
      () => beside.close(),
      () => server.closeAllConnections(),
      () => new Promise((resolve) => server.close(resolve)),
      () => forum.close(),
      () => sessions.close(),
      () => company.close(),
      () => rm(folder, { recursive: true }),
    );
  });
  afterAll(async () => {
    for (const close of closing) await close();
  });

  const query = (sql: string) => started(opened.beside).prepare(sql).all();
  const visitor = (userAgent?: string) => browser(started(opened.address), origin, userAgent);
  return {
    get company() {
      return started(opened.company);
    },
    errors,
    visitor,
    async member({ email, password }) {
      const member = visitor();
      const { status } = await member.signIn(email, password);
      if (status !== 302) throw new Error(`Signing in was answered ${status}.`);
      return member;
    },
    query,
    counts: () => ({
      threads: Number(query("SELECT count(*) AS count FROM threads")[0]?.["count"]),
      posts: Number(query("SELECT count(*) AS count FROM posts")[0]?.["count"]),
    }),
  };
}

function started<Thing>(thing: Thing | undefined): Thing {
  if (thing === undefined) throw new Error("The forum is not open yet.");
  return thing;
}

/** Starts a thread through its form; answers what came back. */
export async function startThread(member: Browser, title: string, text: string): Promise<Page> {
  return member.submit(await member.get("/new-thread"), "/new-thread", { title, text });
}

/** Replies through the form below a thread. */
export async function reply(member: Browser, thread: string, text: string, more: Filled = {}): Promise<Page> {
  return member.submit(await member.get(thread), "/posts", { text, ...more });
}

/** The path of the thread a redirect leads to. */
export function threadOf({ location, status }: Page): string {
  const [path] = /^\/threads\/\d+/.exec(location ?? "") ?? [];
  if (path === undefined) throw new Error(`No thread was started (${status}).`);
  return path;
}
