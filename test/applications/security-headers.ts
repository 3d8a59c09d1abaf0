/** The headers every answer of an application has, whatever it answers: one suite for both. It knows no page of either. */
import { afterEach, describe, expect, test } from "vitest";
import type { Application } from "./account.ts";
import type { Browser, Page } from "./browser.ts";
import { ada } from "./company.ts";

/** What one application has to answer with. */
export interface Answers {
  /** What a stranger is answered, by status and path. */
  readonly pages: readonly (readonly [status: number, path: string])[];
  /** Names under /assets. */
  readonly files: readonly string[];
  /** Pages of a signed-in user; the first is where signing in leads. */
  readonly userPages: readonly [string, ...string[]];
  /** Sends one of the application's own forms, as a signed-in user, which is answered 303. */
  readonly sendForm: (user: Browser) => Promise<Page>;
}

const policy =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** Tests for an application on plain http. */
export function securityHeaders(application: Application, answers: Answers): void {
  afterEach(() => {
    application.company.isReachable = true;
  });

  describe("on plain http", () => {
    test.each(answers.pages)("a %i for %s has the headers and is not kept", async (status, path) => {
      const answer = await application.visitor().get(path);
      expect(answer.status).toBe(status);
      expectPageHeaders(answer);
      expect(answer.headers.has("strict-transport-security")).toBe(false);
      expectNothingInline(answer);
    });

    test.each(answers.files)(
      "the file %s has the headers, may be kept, and costs no cookie",
      async (name) => {
        const answer = await application.visitor().get(`/assets/${name}`);
        expect(answer.status).toBe(200);
        expectHeaders(answer);
        expect(answer.headers.get("cache-control")).toBe("public, max-age=300");
        expect(answer.headers.get("content-type")).toMatch(/^(text\/css|image\/svg\+xml)/);
        expect(answer.setCookies).toEqual([]);
      },
    );

    test("refusals, a missing page, a sent form and an outage have them", async () => {
      const user = application.visitor();
      const refused = await user.signIn(ada.email, "wrong");
      const signedIn = await user.signIn(ada.email, ada.password);
      const missing = await user.get("/no-such-page");
      const forged = await user.send("POST", "/logout", { headers: { origin: "https://evil.example" } });
      const json = { body: "{}", headers: { "content-type": "application/json" } };
      const wrongType = await user.send("POST", "/login", json);
      const posted = await answers.sendForm(user);
      const options = await user.send("OPTIONS", answers.userPages[0]);
      const stranger = application.visitor();
      const login = await stranger.get("/login");
      application.company.isReachable = false;
      const outage = await stranger.submit(login, "/login", { email: ada.email, password: ada.password });
      const all = [refused, signedIn, missing, forged, wrongType, posted, options, outage];
      expect(all.map(({ status }) => status)).toEqual([401, 302, 404, 403, 415, 303, 404, 503]);
      all.forEach(expectPageHeaders);
    });

    test("no page of a signed-in user has a script, or anything else inline", async () => {
      const user = application.visitor();
      await user.signIn(ada.email, ada.password);
      for (const path of answers.userPages) {
        const page = await user.get(path);
        expect(page.status).toBe(200);
        expectNothingInline(page);
      }
    });
  });
}

/** Tests for an application on https. */
export function strictTransportSecurity(application: Application, paths: readonly string[]): void {
  test("browsers are told to come back on https only, also on files and redirects", async () => {
    for (const path of paths) {
      const { headers } = await application.visitor().get(path);
      expect(headers.get("strict-transport-security")).toBe("max-age=31536000; includeSubDomains");
    }
  });
}

function expectPageHeaders(page: Page): void {
  expectHeaders(page);
  expect(page.headers.get("cache-control")).toBe("no-store");
  expect(page.headers.has("etag")).toBe(false);
}

function expectHeaders({ headers }: Page): void {
  expect(headers.get("content-security-policy")).toBe(policy);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("same-origin");
  expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
  expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
  for (const name of ["x-powered-by", "server"]) expect(headers.has(name)).toBe(false);
}

/** Nothing the policy would have to allow, and no word of how the page was made. */
function expectNothingInline({ html }: Page): void {
  expect(html).not.toMatch(/<script|<style|\sstyle=|\son\w+=|@latchkey|node_modules/i);
}
