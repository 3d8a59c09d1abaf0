// Program: what a renewal takes on STORE, with the provider embedded on a SQLite file; answered to renewal.test.ts, which says what it
// may take.
import type { Browser } from "../../packages/session/test/browser.ts";
import { counted } from "./counting.ts";
import { watchRedis } from "./redis-commands.ts";
import { tell } from "./tell.ts";
import { startApplication, startProvider, stores } from "./world.ts";

/** It needs somebody signed in, and shows no form: the token of one is a hash of its own. */
const page = "/slow";

const storeName = (process.env["STORE"] ?? "SQLite") as keyof typeof stores;
const provider = await startProvider();
const application = await startApplication("Fastify", stores[storeName](), provider);
const redis = storeName === "Redis" ? await watchRedis() : null;

const browsers: Browser[] = [];
for (let count = 0; count < 4; count++) {
  const browser = await application.signedIn();
  await browser.get(page);
  browsers.push(browser);
}

// All sessions are over, all sign-ins go on; the provider's keys are older than they are believed.
provider.clock.pass(31, "minutes");
const renewals: unknown[] = [];
for (const browser of browsers) renewals.push(await of(() => renewed(browser)));
const presentations: unknown[] = [];
for (const browser of browsers) presentations.push(await of(() => shown(browser)));
const [withKeys, ...withoutKeys] = renewals;
tell({ withKeys, renewals: different(withoutKeys), presentations: different(presentations) });

async function renewed(browser: Browser): Promise<void> {
  const before = [browser.cookie("session"), browser.cookie("refresh-token")];
  await shown(browser);
  const now = [browser.cookie("session"), browser.cookie("refresh-token")];
  if (now.some((cookie, index) => cookie === before[index])) throw new Error("The pair is still the same");
}

async function shown(browser: Browser): Promise<void> {
  const { status, body } = await browser.get(page);
  if (status !== 200 || !body.startsWith("slow page of")) throw new Error(`${page}: ${status} ${body}`);
}

async function of(act: () => Promise<void>): Promise<unknown> {
  const { storeCalls } = application;
  storeCalls.length = provider.calls.length = 0;
  await redis?.begin();
  const { own, provider: embedded } = await counted(act);
  return {
    storeCalls: [...storeCalls],
    providerCalls: [...provider.calls],
    crypto: own.crypto,
    sql: own.sql,
    roundTrips: own.roundTrips,
    redis: redis === null ? {} : (await redis.end()).commands,
    embedded: { crypto: embedded.crypto, sql: embedded.sql },
  };
}

function different(works: readonly unknown[]): unknown[] {
  return [...new Set(works.map((work) => JSON.stringify(work)))].map((work) => JSON.parse(work) as unknown);
}
