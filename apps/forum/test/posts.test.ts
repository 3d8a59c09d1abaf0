import { describe, expect, test } from "vitest";
import { escaped } from "../../../test/applications/browser.ts";
import { ada, ben } from "../../../test/applications/company.ts";
import { openBoard, reply, startThread, threadOf } from "./board.ts";

const board = openBoard();

async function postIdOf(text: string): Promise<string> {
  const found = board.query("SELECT id, text FROM posts").find((post) => post["text"] === text);
  return String(found?.["id"]);
}

describe("a member", () => {
  test("has no posts at first, and is told where to look", async () => {
    const { html, headers } = await (await board.member(ada)).get("/posts");
    expect(html).toContain("You have not written anything yet.");
    expect(headers.get("cache-control")).toBe("no-store");
  });

  test("starts a thread, replies, and finds both under their posts and on the home page", async () => {
    const member = await board.member(ada);
    const started = await startThread(member, "  A terminal without a fan ", "Line one\r\nLine two\r\n");
    expect([started.status, started.location]).toEqual([
      303,
      expect.stringMatching(/^\/threads\/\d+#post-\d+$/),
    ]);
    const answer = await reply(member, threadOf(started), "It hums.");
    expect(answer.status).toBe(303);

    const thread = await board.visitor().get(threadOf(started));
    expect(thread.html).toContain('<h1 dir="auto">A terminal without a fan</h1>');
    expect(thread.html).toContain("Line one\nLine two</p>");
    const own = await member.get("/posts");
    expect(own.html).toContain("It hums.");
    expect(own.html).toContain("Line one");
    const home = await board.visitor().get("/");
    expect(home.html).toMatch(/A terminal without a fan[\s\S]*It hums\.[\s\S]*Ada Marlow/);
    expect(home.html).not.toContain(ada.email);
  });

  test("finds only their own posts under /posts", async () => {
    await startThread(await board.member(ada), "Hers", "Written by Ada alone");
    const his = await board.member(ben);
    await startThread(his, "His", "Written by Ben alone");
    const { html } = await his.get("/posts");
    expect(html).toContain("Written by Ben alone");
    expect(html).not.toContain("Written by Ada alone");
  });

  test("deletes a post of their own, and the thread when it was the only one", async () => {
    const member = await board.member(ada);
    const thread = threadOf(await startThread(member, "Short-lived", "To be deleted"));
    await reply(member, thread, "Also to be deleted");
    for (const [text, status] of [
      ["Also to be deleted", 200],
      ["To be deleted", 404],
    ] as const) {
      const id = await postIdOf(text);
      const answer = await member.submit(await member.get("/posts"), `/posts/${id}/delete`);
      expect([answer.status, answer.location]).toEqual([303, "/posts"]);
      expect((await member.get(thread)).status).toBe(status);
    }
    const gone = await member.get("/");
    expect(gone.html).not.toContain("Short-lived");
  });

  test("can't delete another's post: it is not found, and stays", async () => {
    await startThread(await board.member(ada), "Mine", "Ada's words");
    const his = await board.member(ben);
    await startThread(his, "Ours", "Ben's words");
    const id = await postIdOf("Ada's words");
    const form = await his.get("/posts");
    const token = /name="form-token" value="([^"]+)"/.exec(form.html)?.[1] ?? "";
    const before = board.counts();
    const answer = await his.send("POST", `/posts/${id}/delete`, {
      body: new URLSearchParams({ "form-token": token }),
    });
    expect([answer.status, answer.html.includes("You have no such post.")]).toEqual([404, true]);
    const ofNobody = await his.send("POST", "/posts/1/delete", {
      body: new URLSearchParams({ "form-token": token }),
    });
    expect(ofNobody.status).toBe(404);
    expect(board.counts()).toEqual(before);
  });

  test("deletes a post once, however often the form is sent at the same time", async () => {
    const member = await board.member(ada);
    const thread = threadOf(await startThread(member, "Kept", "Kept too"));
    await reply(member, thread, "Deleted once");
    const form = await member.get("/posts");
    const before = board.counts();
    const path = `/posts/${await postIdOf("Deleted once")}/delete`;
    const answers = await Promise.all(Array.from({ length: 50 }, () => member.submit(form, path)));
    const statuses = answers.map(({ status }) => status).sort((one, other) => one - other);
    expect(statuses).toEqual([303, ...Array.from({ length: 49 }, () => 404)]);
    expect(board.counts()).toEqual({ threads: before.threads, posts: before.posts - 1 });
  });

  test("is told what is wrong at the field, and keeps what was typed", async () => {
    const member = await board.member(ada);
    const refused = await startThread(member, "", "Words worth keeping");
    expect(refused.status).toBe(400);
    expect(refused.html).toMatch(/id="title-problem" role="alert">A thread needs a title\./);
    expect(refused.html).toMatch(/<input id="title"[^>]*aria-describedby="title-problem"/);
    expect(refused.html).toContain("Words worth keeping</textarea>");
    const tooLong = await reply(member, "/threads/1", "y".repeat(5_001));
    expect(tooLong.status).toBe(400);
    expect(tooLong.html).toContain("A post has at most 5,000 characters; this has 5,001.");
    expect(tooLong.html).toContain(`${"y".repeat(5_001)}</textarea>`);
  });
});

describe("text that is an attack on its reader", () => {
  const attacks = [
    "<script>alert(1)</script>",
    `"><img src=x onerror=alert(1)>`,
    "</textarea><svg onload=alert(1)>",
    "<%= it.formToken() %>${7*7}{{7*7}}",
    "&lt;b&gt; & &#39;",
  ];

  test.each(attacks)("is shown as text wherever it stands: %s (ASVS 3.2.2)", async (attack) => {
    const member = await board.member(ben);
    const thread = threadOf(await startThread(member, attack, attack));
    const refused = await startThread(member, attack, "");
    for (const { html } of [
      refused,
      await member.get(thread),
      await member.get("/posts"),
      await board.visitor().get("/"),
    ]) {
      expect(html).toContain(escaped(attack));
      expect(html).not.toMatch(/<script|<svg|<img/i);
      expect(html).not.toContain(">49<");
    }
  });

  test("is shown as text in a member's name", async () => {
    const member = await board.member(ben);
    const thread = threadOf(await startThread(member, "Hello", "From Ben"));
    for (const path of [thread, "/", "/posts"]) {
      const { html } = await member.get(path);
      expect(html).toContain(escaped(ben.fullName));
      expect(html).not.toContain("<img");
    }
  });
});
