import { expect, test } from "vitest";
import { ada } from "../../../test/applications/company.ts";
import { loginForm } from "../../../test/applications/login-form.ts";
import { openBoard } from "./board.ts";

const board = openBoard();

loginForm(board, { afterSignIn: "/posts", open: "/threads/1", userPages: ["/", "/new-thread", "/account"] });

test("a member's posts are read for that member", async () => {
  const posts = await (await board.member(ada)).get("/posts");
  expect([posts.status, posts.html.includes("Ada Marlow")]).toEqual([200, true]);
});
