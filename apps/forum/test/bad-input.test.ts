import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Browser } from "../../../test/applications/browser.ts";
import { ada } from "../../../test/applications/company.ts";
import { longest, postField, titleField } from "../src/fields.ts";
import { openBoard } from "./board.ts";

const board = openBoard();
let member: Browser;
let token: string;

beforeAll(async () => {
  member = await board.member(ada);
  const { html } = await member.get("/new-thread");
  token = /name="form-token" value="([^"]+)"/.exec(html)?.[1] ?? "";
});

const form = "application/x-www-form-urlencoded";

async function send(path: string, body: string, type = form): Promise<number> {
  const headers = { "content-type": type, "x-form-token": token };
  const answer = await member.send("POST", path, { body, headers });
  expect(answer.html).toMatch(answer.status >= 400 ? /^<!doctype html>/ : /./);
  expect(answer.html).not.toMatch(/\bat .*\.ts:|node_modules|SQLITE/);
  return answer.status;
}

function fields(values: Record<string, string>): string {
  return new URLSearchParams(values).toString();
}

/** Bodies that mean nothing to any route. */
const nonsense = [
  "",
  "%",
  "%zz=%zz",
  "&&&===",
  "__proto__=1&__proto__[text]=1&__proto__[title]=1",
  "constructor[prototype][text]=1",
  "text",
  "title=&text=&thread=",
  "title[]=a&text[]=b&thread[]=1",
  "title[a]=a&text[$ne]=b&thread[a]=1",
  "title=a&title=b&text=a&text=b&thread=1&thread=1",
  fields({ title: "  ", text: " \r\n ", thread: "1" }),
  fields({ title: "a", text: "NUL \0", thread: "1" }),
  fields({ title: "a", text: "bell \u0007", thread: "1" }),
  fields({ title: "a", text: "y".repeat(longest.post + 1), thread: "1" }),
];

const routes = [
  "/new-thread",
  "/posts",
  "/posts/1/delete",
  "/posts/no-such-post/delete",
  "/login",
  "/account/devices/end",
  "/account/password",
];

describe.each(routes)("POST %s", (route) => {
  test("answers nonsense with 4xx and stores nothing", async () => {
    const before = board.counts();
    for (const body of nonsense) {
      const status = await send(route, body);
      expect([body.slice(0, 40), Math.floor(status / 100)]).toEqual([body.slice(0, 40), 4]);
    }
    expect(board.counts()).toEqual(before);
    expect(board.errors).toEqual([]);
  });

  test("answers a body that is no form, or too large, with 4xx and stores nothing", async () => {
    const before = board.counts();
    const good = fields({ title: "A title", text: "A text", thread: "1" });
    expect(await send(route, '{"title":"a","text":"b","thread":"1"}', "application/json")).toBe(415);
    expect(await send(route, good, "text/plain")).toBe(415);
    expect(await send(route, good, "multipart/form-data; boundary=x")).toBe(415);
    expect(await send(route, good, `${form}; charset=klingon`)).toBe(415);
    expect(await send(route, `${good}&more=${"x".repeat(70_000)}`)).toBe(413);
    expect(await send(route, "a=&".repeat(1_500))).toBe(413);
    expect(board.counts()).toEqual(before);
  });
});

test.each(["", "0", "999", "-1", "01", "1.0", "1e0", "x", "9".repeat(30), "1 OR 1=1"])(
  "a reply to the thread %j is refused and not stored",
  async (thread) => {
    const before = board.counts();
    expect(await send("/posts", fields({ thread, text: "A text" }))).toBe(404);
    expect(board.counts()).toEqual(before);
  },
);

test.each(["a\nb", "a\u0000b", "a\u0085b", "t".repeat(121)])("no thread gets the title %j", async (title) => {
  const before = board.counts();
  expect(await send("/new-thread", fields({ title, text: "A text" }))).toBe(400);
  expect(board.counts()).toEqual(before);
});

test.each(["0", "-1", "1.0", "01", "x", "9".repeat(30), "%00", "1%20OR%201=1", "%zz"])(
  "nothing is deleted at /posts/%s/delete",
  async (id) => {
    const before = board.counts();
    expect([400, 404]).toContain(await send(`/posts/${id}/delete`, ""));
    expect(board.counts()).toEqual(before);
  },
);

test("the longest title and post are accepted, with line breaks counted as one character", async () => {
  const title = "t".repeat(longest.title);
  const text = `${"x\r\n".repeat(longest.post / 2 - 1)}xx`;
  expect(await send("/new-thread", fields({ title, text }))).toBe(303);
});

test("a verb that a path does not have is refused, and changes nothing", async () => {
  const before = board.counts();
  for (const [method, path] of [
    ["PUT", "/posts/1"],
    ["DELETE", "/posts/1"],
    ["PATCH", "/login"],
    ["POST", "/"],
    ["POST", "/threads/1"],
    ["POST", "/account"],
    ["POST", "/account/devices"],
    ["GET", "/account/devices/end-all"],
    ["GET", "/posts/1/delete"],
    ["GET", "/logout"],
  ] as const) {
    expect((await member.send(method, path, { headers: { "x-form-token": token } })).status).toBe(404);
  }
  expect(board.counts()).toEqual(before);
});

test("a visitor who is not signed in posts nothing, with or without a token", async () => {
  const before = board.counts();
  const visitor = board.visitor();
  const { html } = await visitor.get("/login");
  const own = /name="form-token" value="([^"]+)"/.exec(html)?.[1] ?? "";
  for (const path of ["/new-thread", "/posts", "/posts/1/delete", "/logout"]) {
    const body = fields({ "form-token": own, title: "A title", text: "A text", thread: "1" });
    const answer = await visitor.send("POST", path, { body, headers: { "content-type": form } });
    expect([answer.status, answer.location]).toEqual([302, "/login"]);
  }
  expect(board.counts()).toEqual(before);
});

test("whatever is sent as title or text, what passes is plain, trimmed and short enough", () => {
  const anything = fc.oneof(fc.string({ unit: "binary" }), fc.string({ maxLength: 200 }), fc.anything());
  fc.assert(
    fc.property(anything, (value) => {
      const title = titleField({ title: value });
      expect(title.problem !== null || /^[^\p{Cc}]{1,120}$/u.test(title.text)).toBe(true);
      const post = postField({ text: value });
      expect(post.problem !== null || (post.text.trim() === post.text && post.text.length <= 5_000)).toBe(
        true,
      );
      expect(post.problem !== null || (post.text.isWellFormed() && !post.text.includes("\r"))).toBe(true);
    }),
  );
});
