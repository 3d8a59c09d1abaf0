// Every page Store and Forum really have, for a guest and for a signed-in user, found by their routes and by following their
// links; and the answers that are no pages. What holds for all of them is asserted of all of them.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Browser } from "../../packages/session/test/browser.ts";
import type { Incoming } from "../../packages/session/test/http.ts";
import { victimOf } from "./samples.ts";
import { everyTarget, startTarget, type Target } from "./targets.ts";

interface Visited {
  readonly path: string;
  readonly answer: Incoming;
}

const policy =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

describe.each(everyTarget)("%s at %s", (name, origin) => {
  let target: Target;
  let user: Browser;
  let asGuest: Visited[];
  let asUser: Visited[];
  let others: Visited[];
  beforeAll(async () => {
    target = await startTarget(name, origin);
    asGuest = await crawl(target, target.browser());
    const { victim } = await victimOf(target);
    user = victim;
    asUser = await crawl(target, user);
    others = await answersThatAreNoPages(target, user);
  });
  afterAll(() => target[Symbol.asyncDispose]());

  const pages = () => [...asGuest, ...asUser].filter(({ answer }) => isPage(answer));

  test("the crawl has been to every page there is a route for", () => {
    const reached = new Set([...asGuest, ...asUser].map(({ path }) => path.split("?")[0]));
    const routes = target.routes.filter((route) => /^GET [^:*]*$/.test(route)).map((route) => route.slice(4));
    expect(routes.filter((route) => !reached.has(route))).toEqual([]);
    expect(pages().length).toBeGreaterThan(6);
    expect(target.errors).toEqual([]);
  });

  test("every answer has the headers, refusals, redirects and files too (ASVS 3.2.1, 3.4.3, 3.4.4, 3.4.5, 3.4.6, 3.4.8, 3.5.8)", () => {
    for (const { path, answer } of [...asGuest, ...asUser, ...others]) {
      expect({ path, ...answer.headers }).toMatchObject({
        path,
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
      });
    }
  });

  test("browsers are told to come back on https only, where it is https (ASVS 3.4.1)", () => {
    const expected = origin.startsWith("https:") ? "max-age=31536000; includeSubDomains" : undefined;
    for (const { answer } of [...asGuest, ...asUser, ...others])
      expect(answer.headers["strict-transport-security"]).toBe(expected);
  });

  test("no page has a script, a plug-in or anything inline, so nothing runs what slips in (ASVS 3.2.2, 3.2.3, 3.5.5, 3.5.6, 3.7.1)", () => {
    for (const { path, answer } of pages()) {
      const found =
        /<(script|object|embed|applet|iframe|frame|base|meta http-equiv)\b|<style|\sstyle=|\son\w+=|javascript:/i.exec(
          answer.body,
        );
      expect([path, found?.[0]]).toEqual([path, undefined]);
    }
  });

  test("whatever a page loads or leads to is the application's own (ASVS 3.6.1, 3.7.3)", () => {
    for (const { path, answer } of pages()) {
      const addresses = [
        ...answer.body.matchAll(/\s(?:href|src|srcset|action|formaction|poster|data)="([^"]*)"/g),
      ];
      const foreign = addresses
        .map(([, address]) => address ?? "")
        .filter((each) => !/^[/#?](?!\/)/.test(each));
      expect([path, foreign]).toEqual([path, []]);
    }
  });

  test("a file is the same for everybody, whoever asks (ASVS 3.5.7)", async () => {
    const files = new Set(
      pages().flatMap(({ answer }) =>
        [...answer.body.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path),
      ),
    );
    expect(files.size).toBeGreaterThan(2);
    for (const path of files) {
      const [guests, users] = [await target.browser().get(path ?? ""), await user.get(path ?? "")];
      expect(users.body).toBe(guests.body);
      expect([guests.setCookies, users.setCookies]).toEqual([[], []]);
    }
  });

  test("every page of a signed-in user has a way to sign out (ASVS 7.4.4)", () => {
    for (const { path, answer } of asUser.filter(({ answer }) => isPage(answer)))
      expect([path, / method="post" action="\/logout"/.test(answer.body)]).toEqual([path, true]);
  });

  test("every form posts to the application, and every post has a form token (ASVS 3.5.1)", () => {
    for (const { path, answer } of pages()) {
      const forms = [...answer.body.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)];
      const bare = forms.filter(([, head = "", inner = ""]) => {
        const isPost = / method="post" action="\//.test(head);
        return !isPost || !/type="hidden" name="form-token" value="[^"]+"/.test(inner);
      });
      expect([path, bare.map(([, head]) => head)]).toEqual([path, []]);
    }
  });

  test("password fields are that, and are ready for managers and paste (ASVS 6.2.6, 6.2.7)", () => {
    const fields = pages().flatMap(({ answer }) => [
      ...answer.body.matchAll(/<input[^>]*name="[^"]*password[^"]*"[^>]*>/g),
    ]);
    const expected = { current: /autocomplete="current-password"/, new: /autocomplete="new-password"/ };
    expect(fields.length).toBeGreaterThan(3);
    for (const [field] of fields) {
      expect(field).toMatch(/ type="password"/);
      expect(field).toMatch(/ name="new-/.test(field) ? expected.new : expected.current);
      expect(field).not.toMatch(/maxlength|readonly|onpaste|autocomplete="off"/);
    }
    const logins = pages().filter(({ path }) => path.startsWith("/login"));
    expect(logins.length).toBeGreaterThan(0);
    for (const { answer } of logins) expect(answer.body).toMatch(/autocomplete="username"/);
  });

  test("no page, header or address holds a token or an id of a cookie (ASVS 3.3.4, 10.1.1)", () => {
    const values = [...user.jar.values()].map(({ value }) => value);
    expect(values.length).toBeGreaterThan(2);
    for (const { path, answer } of [...asUser, ...others]) {
      const { "set-cookie": _, ...headers } = answer.headers;
      const shown = `${path}\n${JSON.stringify(headers)}\n${answer.body}`;
      expect([path, values.some((value) => shown.includes(value))]).toEqual([path, false]);
      // A JWT begins with its header's {" in base64url.
      expect([path, /eyJ[A-Za-z0-9_-]{8,}/.test(shown)]).toEqual([path, false]);
    }
  });

  test("looking at pages signs nobody in, not even by looking ahead (ASVS 7.6.2)", async () => {
    const heard = target.events.length;
    const stranger = target.browser();
    for (const { path } of [...asUser, ...asGuest]) {
      const headers = { "sec-purpose": "prefetch;prerender", purpose: "prefetch" };
      const { setCookies } = await stranger.get(path, { headers });
      expect(setCookies.filter((each) => !/^(__Host-)?form=/.test(each))).toEqual([]);
    }
    expect(target.events.slice(heard).map(({ type }) => type)).toEqual([]);
  });
});

function isPage({ status, headers }: Incoming): boolean {
  return status === 200 && String(headers["content-type"]).startsWith("text/html");
}

/** Gets every page that routes without parameters and links lead to, and every file. */
async function crawl(target: Target, browser: Browser): Promise<Visited[]> {
  const waiting = target.routes.filter((route) => /^GET [^:*]*$/.test(route)).map((route) => route.slice(4));
  const visited = new Map<string, Incoming>();
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (visited.has(path)) continue;
    const answer = await browser.get(path);
    visited.set(path, answer);
    const { body, headers } = answer;
    const links = [...body.matchAll(/\shref="(\/[^"#]*)/g)].map(([, link]) => link?.replaceAll("&amp;", "&"));
    waiting.push(...links.flatMap((link) => link ?? []));
    if (typeof headers["location"] === "string") waiting.push(headers["location"]);
  }
  return [...visited].map(([path, answer]) => ({ path, answer }));
}

async function answersThatAreNoPages(target: Target, user: Browser): Promise<Visited[]> {
  const evil = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  const type = { "content-type": "application/json" };
  const tooLarge = `a=${"x".repeat(70_000)}`;
  const answers: [string, Promise<Incoming>][] = [
    ["an address that can't be read", user.get("/%zz")],
    ["another host's address", user.get("//evil.example/")],
    ["no such page", user.get("/no-such-page")],
    ["no such file", user.get("/assets/no-such-file.css")],
    ["a guest where a user is needed", target.browser().get("/no-such-page")],
    [
      "a program where a user is needed",
      target.browser().get("/account", { headers: { accept: "application/json" } }),
    ],
    ["a forged request", user.post("/logout", {}, { headers: evil })],
    ["a request without a token", user.post("/logout", {}, { token: null })],
    ["no form", user.request("POST", "/login", "{}", { headers: type })],
    ["a form that is too large", user.request("POST", "/login", tooLarge)],
    ["two cookies of one name", target.browser().get("/", { headers: { cookie: twice(user) } })],
    ["a wrong verb", user.request("PUT", "/", "a=b")],
  ];
  return Promise.all(answers.map(async ([path, answer]) => ({ path, answer: await answer })));
}

function twice(browser: Browser): string {
  const [name, cookie] = [...browser.jar].find(([each]) => each.endsWith("session")) ?? ["", { value: "" }];
  return `${name}=${cookie.value}; ${name}=x`;
}
