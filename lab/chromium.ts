/** A real browser for a target behind TLS: the attacks whose point is what a browser does with cookies and origins. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { formFor } from "./html-form.ts";
import { home, type Person } from "./people.ts";
import type { Target } from "./target.ts";
import { hosts } from "./tls-front.ts";

/** Opens Chromium with the run's names and certificate, and closes it after use. */
export async function withChromium<Value>(
  target: Target,
  does: (browser: Browser) => Promise<Value>,
): Promise<Value> {
  const mapped = ["*.company.test", hosts.otherSite].map((host) => `MAP ${host} 127.0.0.1`).join(",");
  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      `--host-resolver-rules=${mapped}`,
      `--ignore-certificate-errors-spki-list=${target.front().publicKeyHash}`,
    ],
  });
  try {
    return await does(browser);
  } finally {
    await browser.close();
  }
}

/** A new profile of the browser in which somebody has signed in to the Store and bought what is theirs. */
export async function signedInBrowser(
  browser: Browser,
  target: Target,
  person: Person,
): Promise<BrowserContext> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${target.origins.store}/login`);
  await page.locator("#email").fill(person.email);
  await page.locator("#password").fill(person.password);
  await page.locator("main form button").click();
  await page.waitForURL(`${target.origins.store}${home}`);
  await page.goto(`${target.origins.store}/`);
  await page.locator(`form:has(input[value="${person.purchase}"]) button`).click();
  await page.waitForURL(`${target.origins.store}${home}`);
  await page.close();
  return context;
}

/** Whether this profile of the browser gets this person's cart. */
export async function browserShowsCartOf(
  context: BrowserContext,
  target: Target,
  person: Person,
): Promise<boolean> {
  const page = await context.newPage();
  await page.goto(`${target.origins.store}${home}`);
  const html = await page.content();
  await page.close();
  return html.includes(`/shopping-cart/items/${person.purchase}/remove`);
}

/** The attacker's two hosts for this target. */
export function attackerOrigins(target: Target): string[] {
  const { port } = target.front();
  return [`https://${hosts.sibling}:${port}`, `https://${hosts.otherSite}:${port}`];
}

/** Visits the attacker's page and waits until the forms it posts by itself have been answered. */
export async function visit(context: BrowserContext, address: string, posts = 0): Promise<void> {
  const page = await context.newPage();
  let answered = 0;
  const all = new Promise<void>((resolve) => {
    context.on("response", (response) => {
      if (response.request().method() === "POST" && ++answered >= posts) resolve();
    });
  });
  await page.goto(address, { waitUntil: "load" });
  // A browser that refuses to send one is a browser that protects its user: it is not waited for longer.
  if (posts > 0) await Promise.race([all, setTimeout(5_000)]);
  await page.close();
}

/** A form the attacker's page posts. */
export interface ForgedForm {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly encoding?: "text/plain";
}

/** A page that posts forms by itself as soon as it is loaded, each in a frame of its own. */
export function selfPosting(forms: readonly ForgedForm[]): string {
  const parts = forms.map(({ action, fields, encoding }, index) => {
    const inputs = Object.entries(fields).map(
      ([name, value]) => `<input type="hidden" name="${name}" value="${value}">`,
    );
    const attributes = `method="post" action="${action}" target="frame${index}" enctype="${encoding ?? ""}"`;
    return `<iframe name="frame${index}"></iframe><form ${attributes}>${inputs.join("")}</form>`;
  });
  return `<!doctype html>${parts.join("")}<script>for (const form of document.forms) form.submit()</script>`;
}

/** The form token of a page somebody else can get: the attacker's own. */
export function tokenIn(html: string, action: string): string {
  return formFor(html, action).fields.get("form-token") ?? "";
}

function chromiumPath(): string {
  const given = process.env["CHROMIUM_PATH"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const candidates = given ? [given] : folders.flatMap((folder) => names.map((name) => join(folder, name)));
  const found = candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error("no Chromium: set CHROMIUM_PATH, or put chromium on the PATH");
  return found;
}
