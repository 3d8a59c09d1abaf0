import { describe, expect, test } from "vitest";
import type { Page } from "../../../test/applications/browser.ts";
import { ada } from "../../../test/applications/company.ts";
import { openBoard, startThread } from "./board.ts";

const policy =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

function expectSecurityHeaders({ headers }: Page): void {
  expect(headers.get("content-security-policy")).toBe(policy);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("same-origin");
  expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
  expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
  for (const name of ["x-powered-by", "server"]) expect(headers.has(name)).toBe(false);
}

describe("on plain http", () => {
  const board = openBoard();

  test.each([
    [200, "/"],
    [200, "/threads/1"],
    [200, "/login"],
    [302, "/posts"],
    [302, "/no-such-page"],
    [400, "//evil.example/"],
    [400, "/threads/%zz"],
    [404, "/threads/999"],
    [404, "/assets/no-such-file.css"],
    [404, "/assets/..%2f..%2fpackage.json"],
  ])("a %i for %s has the headers and is not kept", async (status, path) => {
    const answer = await board.visitor().get(path);
    expect(answer.status).toBe(status);
    expectSecurityHeaders(answer);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.has("etag")).toBe(false);
    expect(answer.headers.has("strict-transport-security")).toBe(false);
    expect(answer.html).not.toMatch(/<script|<style|\sstyle=|\son\w+=|@latchkey|node_modules/i);
  });

  test.each(["pico.css", "forum.css", "icon.svg"])(
    "the file %s has the headers, may be kept, and costs no cookie",
    async (name) => {
      const answer = await board.visitor().get(`/assets/${name}`);
      expect(answer.status).toBe(200);
      expectSecurityHeaders(answer);
      expect(answer.headers.get("cache-control")).toBe("public, max-age=300");
      expect(answer.headers.get("content-type")).toMatch(/^(text\/css|image\/svg\+xml)/);
      expect(answer.setCookies).toEqual([]);
    },
  );

  test("refusals, a missing page, a sent form and an outage have them", async () => {
    const visitor = board.visitor();
    const refused = await visitor.signIn(ada.email, "wrong");
    const signedIn = await visitor.signIn(ada.email, ada.password);
    const missing = await visitor.get("/no-such-page");
    const forged = await visitor.send("POST", "/logout", { headers: { origin: "https://evil.example" } });
    const wrongType = await visitor.send("POST", "/login", {
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    const posted = await startThread(visitor, "A title", "A text");
    const options = await visitor.send("OPTIONS", "/posts");
    const stranger = board.visitor();
    const login = await stranger.get("/login");
    board.company.isReachable = false;
    const outage = await stranger.submit(login, "/login", { email: ada.email, password: ada.password });
    const answers = [refused, signedIn, missing, forged, wrongType, posted, options, outage];
    expect(answers.map(({ status }) => status)).toEqual([401, 302, 404, 403, 415, 303, 404, 503]);
    for (const answer of answers) {
      expectSecurityHeaders(answer);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });
});

describe("on https", () => {
  const board = openBoard({ origin: "https://forum.example.com" });

  test("browsers are told to come back on https only, also on files and redirects", async () => {
    for (const path of ["/", "/posts", "/assets/forum.css", "/threads/999"]) {
      const { headers } = await board.visitor().get(path);
      expect(headers.get("strict-transport-security")).toBe("max-age=31536000; includeSubDomains");
    }
  });
});
