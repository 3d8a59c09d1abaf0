// Program: what a page takes, signed in and not, on STORE; answered to page.test.ts, which says what it may take.
import { AsyncLocalStorage, createHook } from "node:async_hooks";
import { setImmediate as turn } from "node:timers/promises";
import type { IncomingRequest } from "@latchkey/session";
import type { Browser } from "../../packages/session/test/browser.ts";
import type { Framework } from "../../packages/session/test/frameworks.ts";
import { counted, tick } from "./counting.ts";
import { watchRedis } from "./redis-commands.ts";
import { tell } from "./tell.ts";
import { type Application, requestOf, startApplication, startProvider, stores } from "./world.ts";

/** It needs somebody signed in, and shows no form: the token of one is a hash of its own. */
const signedInPage = "/slow";
const publicPage = "/";

const storeName = (process.env["STORE"] ?? "memory") as keyof typeof stores;
const provider = await startProvider();
const redis = storeName === "Redis" ? await watchRedis() : null;

const pages: Record<"signedIn" | "anonymous", Record<string, unknown>> = { signedIn: {}, anonymous: {} };
for (const framework of ["Express", "Fastify", "Hono"] as const) {
  const { signedIn, anonymous } = await overHttp(framework);
  pages.signedIn[framework] = signedIn;
  pages.anonymous[framework] = anonymous;
}
tell({ ...pages, received: await received(), together: await together(), interval: await interval() });

/** Over HTTP: the adapter's part is in it. */
async function overHttp(framework: Framework): Promise<{ signedIn: unknown; anonymous: unknown }> {
  const application = await startApplication(framework, stores[storeName](), provider);
  const browser = await application.signedIn();
  // The first page notes that the browser has its cookies.
  await browser.get(signedInPage);
  await browser.get(signedInPage);
  const signedIn = await each(application, () =>
    shown(browser, signedInPage, /^slow page of .+@example.com$/),
  );
  browser.jar.clear();
  const anonymous = await each(application, () => shown(browser, publicPage, /^a visitor$/));
  await application.close();
  return { signedIn, anonymous };
}

async function shown(browser: Browser, path: string, page: RegExp): Promise<void> {
  const { status, body, setCookies } = await browser.get(path);
  if (status !== 200 || !page.test(body)) throw new Error(`${path}: ${status} ${body}`);
  if (setCookies.length > 0) throw new Error(`${path} sets cookies`);
}

/** What one of ten pages takes: as many answers as there are differences. */
async function each({ storeCalls }: Application, page: () => Promise<void>): Promise<unknown[]> {
  const works = new Set<string>();
  for (let count = 0; count < 10; count++) {
    provider.clock.pass(1, "milliseconds");
    storeCalls.length = provider.calls.length = 0;
    await redis?.begin();
    const { own } = await counted(page);
    // One is the test's browser's own.
    const urls = own.urls - 1;
    const { crypto, sql, roundTrips } = own;
    const calls = { storeCalls, providerCalls: provider.calls, ...(redis && { redis: await redis.end() }) };
    works.add(JSON.stringify({ ...calls, crypto, sql, roundTrips, urls }));
  }
  return [...works].map((work) => JSON.parse(work) as unknown);
}

/** What the library makes of it by itself: what of it is to be waited for, and how many promises come about, whatever else goes on. */
async function received(): Promise<unknown> {
  const application = await startApplication("Fastify", stores[storeName](), provider);
  const browser = await application.signedIn();
  await browser.get(signedInPage);
  const { sessions } = application;
  const within = new AsyncLocalStorage<true>();
  let promises = 0;
  const hook = createHook({
    init: (_id, type) => void (type === "PROMISE" && within.getStore() === true && promises++),
  }).enable();
  const of = async (request: IncomingRequest) => {
    // Once before, for what is made once.
    await sessions.receive(request);
    provider.clock.pass(1, "milliseconds");
    promises = 0;
    const answer = within.run(true, () => sessions.receive(request));
    const isWaitedFor = answer instanceof Promise;
    const found = await answer;
    const isWaitedForAtTheEnd = found.kind === "answer" || found.dropOvertakenCookies() !== null;
    return { isWaitedFor, isWaitedForAtTheEnd, promises };
  };
  const anonymous = await of(requestOf(null, publicPage));
  const signedIn = await of(requestOf(browser, signedInPage));
  hook.disable();
  await application.close();
  return { anonymous, signedIn };
}

/** What is asked of the store for ten pages that arrive in one turn of the event loop. */
async function together(): Promise<unknown> {
  const application = await startApplication("Fastify", stores[storeName](), provider);
  const browser = await application.signedIn();
  await browser.get(signedInPage);
  provider.clock.pass(1, "milliseconds");
  const requests = Array.from({ length: 10 }, () => requestOf(browser, signedInPage));
  await redis?.begin();
  const { own } = await counted(() =>
    Promise.all(requests.map(async (request) => application.sessions.receive(request))),
  );
  const commands = (await redis?.end())?.commands;
  await application.close();
  return commands ?? own.sql;
}

/** A thousand pages of ten browsers within one interval, and what is written when it is over. */
async function interval(): Promise<unknown> {
  const application = await startApplication("Fastify", stores[storeName](), provider);
  const browsers: Browser[] = [];
  for (let count = 0; count < 10; count++) {
    const browser = await application.signedIn();
    await browser.get(signedInPage);
    browsers.push(browser);
  }
  tick(100);
  await turn();
  const [{ own: pages }, { own: flushed }] = [
    await counted(async () => {
      for (let count = 0; count < 100; count++) {
        provider.clock.pass(1, "milliseconds");
        for (const browser of browsers) await application.sessions.receive(requestOf(browser, signedInPage));
        if (count === 50) tick(99);
      }
    }),
    await counted(async () => {
      tick(1);
      await turn();
    }),
  ];
  await application.close();
  const statements = [...new Set(pages.sql)];
  return { pages: { count: pages.sql.length, statements }, flushed: flushed.sql };
}
