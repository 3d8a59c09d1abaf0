// The `test` of browser tests: a Chromium for each file and a fresh context for each test, whose cookies are
// held to the same rule as everyone's. Without Chromium a test is skipped and says why.
// It must not know any application: pages, names and flows belong to the tests.
import { type BrowserContext, chromium as playwright, type Response } from "playwright-core";
import { test as base, inject } from "vitest";
import { secret } from "../leak-watch.ts";
import { assertSetCookie, parseSetCookie } from "../set-cookie-rule.ts";

// Chromium has no sandbox for root, which CI and containers are.
const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];

/**
 * vitest's `test` with a `context` of Playwright's that nothing of another test is left in.
 * @example test("signs in", async ({ context }) => { const page = await context.newPage(); … });
 */
export const test = base
  .extend("chromium", { scope: "file" }, () => inject("chromium"))
  .extend("browser", { scope: "file" }, async ({ chromium }, { onCleanup }) => {
    if (chromium.path === null) return null;
    const browser = await playwright.launch({ executablePath: chromium.path, args });
    onCleanup(() => browser.close());
    return browser;
  })
  .extend("context", async ({ chromium, browser, skip }, { onCleanup }): Promise<BrowserContext> => {
    if (browser === null) return skip(chromium.path === null ? chromium.reason : "no browser");
    const context = await browser.newContext();
    const checks: Promise<void>[] = [];
    context.on("response", (response) => {
      const check = holdToRule(response);
      // A response that is still on its way when the context closes is nobody's concern any more.
      check.catch(() => undefined);
      checks.push(check);
    });
    onCleanup(async () => {
      const results = await Promise.allSettled(checks);
      await context.close();
      const broken = results.filter((result) => result.status === "rejected");
      if (broken.length > 0) throw new Error(broken.map(({ reason }) => String(reason)).join("\n"));
    });
    return context;
  });

async function holdToRule(response: Response): Promise<void> {
  const headers = await response.headersArray();
  const valuesOf = (name: string) =>
    headers.filter((header) => header.name.toLowerCase() === name).map((header) => header.value);
  const setCookies = valuesOf("set-cookie");
  for (const header of setCookies) secret(parseSetCookie(header).value);
  const cacheControl = valuesOf("cache-control").join(", ");
  const https = response.url().startsWith("https:");
  assertSetCookie({ status: response.status(), setCookies, cacheControl }, { https });
}
