import { afterEach, describe, expect, test } from "vitest";
import { escaped, hiddenField } from "../../../test/applications/browser.ts";
import { ada, ben } from "../../../test/applications/company.ts";
import { openBoard } from "./board.ts";

const board = openBoard();

afterEach(() => {
  board.company.isReachable = true;
});

describe("the login form", () => {
  test("leads to the member's posts, which are read for that member", async () => {
    const visitor = board.visitor();
    const answer = await visitor.signIn(ada.email, ada.password);
    expect([answer.status, answer.location]).toEqual([302, "/posts"]);
    const posts = await visitor.get("/posts");
    expect([posts.status, posts.html.includes("Ada Marlow")]).toEqual([200, true]);
  });

  test("says the same of an unknown user and a wrong password, keeps the email, drops the password (ASVS 6.3.8)", async () => {
    const wrongPassword = await board.visitor().signIn(ada.email, "not her password");
    const unknownUser = await board.visitor().signIn("nobody@example.com", "not her password");
    for (const answer of [wrongPassword, unknownUser]) {
      expect(answer.status).toBe(401);
      expect(answer.html).toContain("Email or password is not right.");
      expect(answer.html).not.toContain("not her password");
      expect(answer.setCookies.some((cookie) => /session|refresh-token/.test(cookie))).toBe(false);
    }
    expect(hiddenField(wrongPassword, "/login", "email")).toBe(ada.email);
  });

  test("prints back what was typed as text", async () => {
    const email = `"><script>alert(1)</script>`;
    const { html } = await board.visitor().signIn(email, "wrong");
    expect(html).not.toContain("<script");
    expect(html).toContain(escaped(email));
  });

  test.each([
    ["no email", { email: null }],
    ["two passwords", { password: ["one", "two"] }],
    ["an empty password", { password: "" }],
  ])("refuses %s with 400", async (_name, filled) => {
    const visitor = board.visitor();
    expect((await visitor.signIn(ada.email, ada.password, filled)).status).toBe(400);
    expect(visitor.cookies.has("session")).toBe(false);
  });

  test("never leads to another site", async () => {
    const answer = await board.visitor().signIn(ada.email, ada.password, { returnTo: "//evil.example" });
    expect(answer.location).toBe("/posts");
  });

  test("says so, and when to come back, while the provider is down; reading goes on", async () => {
    const visitor = board.visitor();
    const form = await visitor.get("/login");
    board.company.isReachable = false;
    const answer = await visitor.submit(form, "/login", { email: ada.email, password: ada.password });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(visitor.cookies.has("session")).toBe(false);
    expect((await visitor.get("/threads/1")).status).toBe(200);
  });

  test("is not shown to somebody who is signed in", async () => {
    const answer = await (await board.member(ada)).get("/login");
    expect([answer.status, answer.location]).toEqual([302, "/posts"]);
  });
});

test("a member sees who is signed in, as text, and a way to sign out, on every page", async () => {
  const member = await board.member(ben);
  for (const path of ["/", "/threads/1", "/posts", "/new-thread", "/no-such-page"]) {
    const { html } = await member.get(path);
    expect(html).toContain(escaped(ben.fullName));
    expect(html).toContain('<form method="post" action="/logout">');
  }
});

test("signing out takes the form; afterwards the old cookies open nothing", async () => {
  const member = await board.member(ada);
  const copy = board.visitor();
  for (const [name, value] of member.cookies) copy.cookies.set(name, value);
  const page = await member.get("/posts");
  expect((await member.submit(page, "/logout", { "form-token": null })).status).toBe(403);
  expect((await member.get("/posts")).status).toBe(200);
  const answer = await member.submit(page, "/logout");
  expect([answer.status, answer.location]).toEqual([302, "/"]);
  for (const visitor of [member, copy]) expect((await visitor.get("/posts")).location).toBe("/login");
});
