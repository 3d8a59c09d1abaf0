// The system of `npm start` for browser tests: on free ports, in a temporary folder, with a clock that is moved.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PublishedSessionEvent, sessionChannel } from "@latchkey/session";
import type { BrowserContext, Cookie, Page, Response } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { type Environment, readEnvironment } from "../../start/environment.ts";
import { startSystem, type System } from "../../start/system.ts";
import { freePorts } from "../free-ports.ts";
import { secret } from "../leak-watch.ts";
import { elsewhere, type Holder, home, type OpenPlace, openPlace, type Place } from "./places.ts";

/** One of the two applications, as the workflows describe it. */
export interface Application {
  readonly name: "store" | "forum";
  /** W1's numbers of: finding the form, signing in, a request with the cookie, one with an expired session. */
  readonly rows: {
    readonly form: string;
    readonly signIn: string;
    readonly use: string;
    readonly expired: string;
  };
  /** Where signing in leads: W1's step 9 and 23. */
  readonly home: string;
  /** What that page is headed by. */
  readonly heading: RegExp;
}

export const applications: readonly Application[] = [
  {
    name: "store",
    rows: { form: "1–4", signIn: "5–9", use: "10–12", expired: "13–14" },
    home: "/shopping-cart",
    heading: /cart/i,
  },
  {
    name: "forum",
    rows: { form: "15–18", signIn: "19–23", use: "24", expired: "24, as 13–14" },
    home: "/posts",
    heading: /posts/i,
  },
];

/**
 * The applications that go through the workflows at a place. Elsewhere it is one of the two that run there, because starting Chromium's
 * processes is nearly all of the time: chosen so that each goes through them on both databases and on every store of sessions.
 */
export function applicationsAt({ database, sessions }: Place): readonly Application[] {
  if (!elsewhere) return applications;
  const isFirst = (database === "SQLite") === (sessions === "memory" || sessions === "Redis");
  return applications.filter(({ name }) => (name === "store") === isFirst);
}

export const ada = { email: "ada@example.com", password: secret("notes on the analytical engine") };

/** A running demo; `advance` moves its clock, and with it every limit on the server. */
export interface Demo {
  origin(application: Application): string;
  /** Where the mail of the provider can be read. */
  outbox(): string;
  advance(milliseconds: number): void;
  /** What the applications asked of the provider since this was last called: "POST /api/login 200". */
  providerCalls(): string[];
  /** What holds a text: the files the system has written, the rows or keys of the servers it keeps data on. */
  whereWritten(text: string): Promise<Holder[]>;
}

export const minutes = 60_000;
export const days = 24 * 60 * minutes;

/** Starts the demo before the tests of a file, or of a `describe`, and ends it after them. */
export function demo(options: Pick<Environment, "workflow" | "policy">, place: Place = home): Demo {
  let offset = 0;
  let system: System | null = null;
  let opened: OpenPlace | null = null;
  let calls: string[] = [];
  const record = (message: unknown) => {
    const event = message as PublishedSessionEvent;
    // Keys and discovery are fetched once for each process: no step of the workflows.
    if (event.type === "provider-called" && !event.call.includes("/.well-known/"))
      calls.push(`${event.call} ${event.status}`);
  };
  const dataDirectory = mkdtempSync(join(tmpdir(), "latchkey-"));

  beforeAll(async () => {
    subscribe(sessionChannel, record);
    const [store = 0, forum = 0, idp = 0, outbox = 0] = await freePorts(4);
    const ports = { store, forum, idp, outbox };
    const mail = { from: "accounts@latchkey.example", smtp: null };
    opened = await openPlace(place);
    const environment = { ...readEnvironment(opened.variables), ...options, ports, mail, dataDirectory };
    system = await startSystem(environment, { now: () => Date.now() + offset });
  });
  afterAll(async () => {
    unsubscribe(sessionChannel, record);
    await system?.close();
    await opened?.close();
    rmSync(dataDirectory, { recursive: true });
  });
  return {
    origin: ({ name }) => system?.origins[name] ?? "",
    outbox: () => system?.origins.outbox ?? "",
    advance(milliseconds) {
      offset += milliseconds;
    },
    providerCalls() {
      const since = calls;
      calls = [];
      return since;
    },
    async whereWritten(text) {
      const held = (await opened?.contents(dataDirectory)) ?? new Map<Holder, string>();
      return [...held].filter(([, contents]) => contents.includes(text)).map(([holder]) => holder);
    },
  };
}

/** Signs in by the login form, as a person does; returns the answer to the posted form, W1's step 9. */
export async function signIn(page: Page, origin: string, { remember = false } = {}): Promise<Response> {
  await page.goto(`${origin}/login`);
  await page.getByLabel("Email").fill(ada.email);
  await page.getByLabel("Password").fill(ada.password);
  if (remember) await page.getByLabel(/keep me signed in/i).check();
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === "POST"),
    page.getByRole("main").getByRole("button", { name: "Sign in" }).click(),
  ]);
  await page.waitForLoadState();
  return answer;
}

/** Asserts that this is the page signing in leads to, served to Ada. */
export async function expectAdasHome(page: Page, application: Application, origin: string): Promise<void> {
  expect(page.url()).toBe(`${origin}${application.home}`);
  expect(await page.getByRole("heading", { level: 1 }).textContent()).toMatch(application.heading);
  expect(await page.getByRole("button", { name: "Sign out" }).count()).toBe(1);
}

/** Asserts that this is the login form, with nobody signed in. */
export async function expectLoginForm(page: Page, origin: string): Promise<void> {
  expect(new URL(page.url()).origin).toBe(origin);
  expect(new URL(page.url()).pathname).toBe("/login");
  expect(await page.getByLabel("Password").count()).toBe(1);
  expect(await page.getByRole("button", { name: "Sign out" }).count()).toBe(0);
}

/** A cookie of an origin by its name; fails if it is not there. */
export async function cookie(context: BrowserContext, origin: string, name: string): Promise<Cookie> {
  const found = (await context.cookies(origin)).find((each) => each.name === name);
  if (found === undefined) throw new Error(`${origin} has set no cookie ${name}`);
  return found;
}

/** The names of an origin's cookies that carry a sign-in. */
export async function signInCookies(context: BrowserContext, origin: string): Promise<string[]> {
  const names = (await context.cookies(origin)).map(({ name }) => name);
  return names.filter((name) => name === "session" || name === "refresh-token").sort();
}
