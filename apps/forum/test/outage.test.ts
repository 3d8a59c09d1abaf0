import { describe, expect, test } from "vitest";
import { ada } from "../../../test/applications/company.ts";
import { openBoard, reply } from "./board.ts";

describe("while the database can't be written", () => {
  const board = openBoard();

  test("a reply is answered with 503 and a time to come back, reading goes on, and it works afterwards", async () => {
    const member = await board.member(ada);
    const thread = await member.get("/threads/1");
    const before = board.counts();
    board.query("BEGIN IMMEDIATE");
    const answer = await member.submit(thread, "/posts", { text: "A reply" });
    const read = await board.visitor().get("/threads/1");
    board.query("ROLLBACK");
    expect([answer.status, answer.headers.get("retry-after"), read.status]).toEqual([503, "5", 200]);
    expect(answer.html).not.toMatch(/sqlite|locked|busy/i);
    expect(board.errors).toHaveLength(1);
    expect(board.counts()).toEqual(before);
    expect((await reply(member, "/threads/1", "A reply")).status).toBe(303);
  });
});

describe("an error nobody expected", () => {
  const clock = { isBroken: false };
  const board = openBoard({
    now() {
      if (clock.isBroken) throw new Error("the clock of node 7 has stopped");
      return 0;
    },
  });

  test("is a page that says nothing of it, leaves nothing half done, and is reported to the operator", async () => {
    const member = await board.member(ada);
    const form = await member.get("/new-thread");
    const before = board.counts();
    clock.isBroken = true;
    const answer = await member.submit(form, "/new-thread", { title: "A title", text: "A text" });
    expect(answer.status).toBe(500);
    expect(answer.html).toContain("It is our fault.");
    expect(answer.html).not.toMatch(/clock|\.ts|Error/);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(board.errors.map(String)).toEqual(["Error: the clock of node 7 has stopped"]);
    expect(board.counts()).toEqual(before);
  });
});
