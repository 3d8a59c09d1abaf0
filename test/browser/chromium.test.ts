import { serve } from "@hono/node-server";
import { expect } from "vitest";
import { test } from "./browser.ts";

test("Chromium resolves names under localhost and keeps a lawful cookie", async ({ context }) => {
  const cookie = "session=kept-by-the-browser; Path=/; HttpOnly; SameSite=Lax";
  const fetch = (request: Request) =>
    new Response(`seen: ${request.headers.get("cookie") ?? "nothing"}`, {
      headers: { "set-cookie": cookie, "cache-control": "no-store" },
    });
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => resolve(port));
  try {
    const url = `http://store.localhost:${await listening}/`;
    const page = await context.newPage();
    await page.goto(url);
    expect(await page.textContent("body")).toBe("seen: nothing");
    await page.reload();
    expect(await page.textContent("body")).toBe("seen: session=kept-by-the-browser");
    expect(await page.evaluate("document.cookie")).toBe("");
  } finally {
    server.close();
  }
});
