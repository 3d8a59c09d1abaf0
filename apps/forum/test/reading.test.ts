import { describe, expect, test } from "vitest";
import { ada } from "../../../test/applications/company.ts";
import { openBoard, reply, startThread, threadOf } from "./board.ts";

const board = openBoard();

describe("a visitor who only reads", () => {
  test("finds threads on the home page, and gets no cookie and no form", async () => {
    const visitor = board.visitor();
    for (const path of ["/", "/threads/1"]) {
      const { status, html, setCookies } = await visitor.get(path);
      expect([status, setCookies]).toEqual([200, []]);
      expect(html).toContain("What was the first computer you wrote a program on?");
      expect(html).not.toContain("<form");
    }
  });

  test("is led to the login form, and back to the thread, to reply", async () => {
    const visitor = board.visitor();
    const { html } = await visitor.get("/threads/2");
    expect(html).toContain('href="/login?returnTo=%2Fthreads%2F2"');
    const form = await visitor.get("/login?returnTo=%2Fthreads%2F2");
    const answer = await visitor.submit(form, "/login", { email: ada.email, password: ada.password });
    expect([answer.status, answer.location]).toEqual([302, "/threads/2"]);
  });

  test.each(["/posts", "/new-thread", "/no-such-page", "/threads"])(
    "does not get to %s without signing in",
    async (path) => {
      const { status, location, html } = await board.visitor().get(path);
      expect([status, html]).toEqual([302, ""]);
      expect(location).toMatch(/^\/login/);
    },
  );

  test.each(["0", "999", "-1", "1.0", "01", "x", "1e1", "9".repeat(30), "__proto__", "1?page=2", "1?page=x"])(
    "finds no thread at /threads/%s",
    async (rest) => {
      expect((await board.visitor().get(`/threads/${rest}`)).status).toBe(404);
    },
  );
});

test("the forum starts with the same threads once, not at every start", () => {
  expect(board.counts()).toEqual({ threads: 4, posts: 10 });
  expect(board.query("SELECT DISTINCT author_id FROM posts").map(({ author_id }) => author_id)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^first-threads:/)]),
  );
});

test("a long thread comes in pages of thirty, and a reply leads to the page it is on", async () => {
  const member = await board.member(ada);
  const thread = threadOf(await startThread(member, "A long story", "Part 1"));
  const form = await member.get(thread);
  for (let part = 2; part <= 30; part++) await member.submit(form, "/posts", { text: `Part ${part}` });
  const last = await reply(member, thread, "Part 31");
  expect(last.location).toMatch(new RegExp(`^${thread}\\?page=2#post-\\d+$`));

  const first = await member.get(thread);
  expect(first.html.match(/>Part \d+</g)).toHaveLength(30);
  expect(first.html).toContain(`href="${thread}?page=2"`);
  const second = await member.get(`${thread}?page=2`);
  expect(second.html.match(/>Part \d+</g)).toEqual([">Part 31<"]);
  expect((await member.get(`${thread}?page=3`)).status).toBe(404);
  expect((await member.get(`${thread}?page=1&page=2`)).status).toBe(404);
});
