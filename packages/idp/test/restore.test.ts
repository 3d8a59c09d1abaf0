// A database that went back in time, and browsers of the session library across it: nobody is taken for a thief, who was signed in
// stays so, and what was revoked since is an operator's decision. The commands for SQLite are those of docs/backup.md.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import {
  createSessions,
  memoryStore,
  type PublishedSessionEvent,
  sessionChannel,
} from "../../session/src/index.ts";
import { clock as startClock, type Clock } from "../../session/test/clock.ts";
import { Browser } from "../../session/test/browser.ts";
import { listen } from "../../session/test/frameworks.ts";
import { publicPaths } from "../../session/test/pages.ts";
import { createIdp, type Idp, type IdpConfig, type IdpEvent, type MailMessage } from "../src/index.ts";
import { openForOperator, type Operator } from "../src/program/operator.ts";
import { contentFindings } from "../src/program/doctor/contents.ts";
import { type RestoreChoice, restored } from "../src/restored.ts";
import {
  API_KEY,
  copyOf,
  emptyDatabase,
  ISSUER,
  KEYS,
  onPostgres,
  seeded,
  STORE_APP,
  STORE_SECRET,
} from "./idp.ts";

const webhookPath = "/webhooks/identity-provider";
const people = ["ada", "bob", "carol", "dan"] as const;
type Person = (typeof people)[number];
const password = secret("a long pass phrase of all four");

/** A provider that can be restored, an application with the library before it, and people with browsers. */
interface World {
  readonly clock: Clock;
  readonly events: { readonly provider: IdpEvent[]; readonly application: PublishedSessionEvent[] };
  readonly mails: MailMessage[];
  /** Keeps a copy of the database as it is. */
  backUp(): Promise<void>;
  /** Ends the provider and starts another on the copy. */
  restore(): Promise<void>;
  api(method: string, path: string, json?: object): Promise<unknown>;
  /** What an operator does, on the provider's database while it serves. */
  operate<T>(use: (operator: Operator) => Promise<T>): Promise<T>;
  deliver(): Promise<void>;
  signedIn(person: Person): Promise<Browser>;
}

async function startWorld(): Promise<World> {
  const clock = startClock(Date.UTC(2100, 0, 1));
  const mails: MailMessage[] = [];
  let database = await emptyDatabase();
  let backup = `${database}.backup`;
  const configOf = (): IdpConfig => ({
    database,
    issuer: ISSUER,
    keys: KEYS,
    now: clock.now,
    mail: { from: "accounts@example.com", send: async (message) => void mails.push(message) },
  });
  let idp: Idp = await createIdp({ ...configOf(), kickstart: kickstart() });
  onTestFinished(() => idp.close());

  const listener = await listen("Hono", { gate: () => null });
  onTestFinished(() => listener.close());
  const origin = `http://127.0.0.1:${listener.port}`;
  const sessions = createSessions({
    application: "store",
    origin,
    identityProvider: {
      url: ISSUER,
      applicationId: STORE_APP,
      apiKey: API_KEY,
      clientSecret: STORE_SECRET,
      deadline: 20_000,
      fetch: (request) => idp.fetch(request),
    },
    cookieKeys: [{ id: "a", secret: secret(randomBytes(32).toString("base64url")) }],
    publicPaths,
    afterSignIn: "/shopping-cart",
    webhookPath,
    store: memoryStore(),
    now: clock.now,
  });
  onTestFinished(() => sessions.close());
  await listener.mount(sessions);
  const events = heard();

  const world: World = {
    clock,
    events,
    mails,
    async backUp() {
      if (!onPostgres) return inShell("VACUUM INTO", { DATABASE: database, BACKUP: backup });
      // Postgres copies a database that nobody is using.
      await idp.close();
      backup = await copyOf(database);
      idp = await createIdp(configOf());
    },
    async restore() {
      await idp.close();
      if (onPostgres) database = backup;
      else inShell('cp "$BACKUP"', { DATABASE: database, BACKUP: backup });
      idp = await createIdp(configOf());
    },
    async api(method, path, json) {
      const headers = { authorization: API_KEY, "content-type": "application/json" };
      const content = json === undefined ? {} : { body: JSON.stringify(json) };
      const response = await idp.fetch(new Request(`${ISSUER}${path}`, { method, headers, ...content }));
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      const text = await response.text();
      return text === "" ? null : JSON.parse(text);
    },
    async operate(use) {
      const operator = await openForOperator(configOf());
      try {
        return await use(operator);
      } finally {
        await operator.close();
      }
    },
    deliver: () => idp.deliverDue(),
    async signedIn(person) {
      const browser = new Browser({ origin, port: listener.port }, clock);
      const { status } = await browser.signIn(`${person}@example.com`, password, { remember: "on" });
      expect(status).toBe(302);
      return browser;
    },
  };
  await world.api("POST", "/api/webhook", {
    webhook: {
      url: `${origin}${webhookPath}`,
      global: true,
      connectTimeout: 5_000,
      readTimeout: 5_000,
      eventsEnabled: { "jwt.refresh-token.revoke": true, "user.deactivate": true },
    },
  });
  return world;
}

function kickstart() {
  const { apiKeys, requests } = seeded();
  const registering = people.map((person) => ({
    method: "POST",
    url: "/api/user/registration",
    body: { user: { email: `${person}@example.com`, password }, registration: { applicationId: STORE_APP } },
  }));
  return { apiKeys, requests: [...requests.slice(0, 2), ...registering] };
}

function heard(): World["events"] {
  const events: World["events"] = { provider: [], application: [] };
  const ofProvider = (event: unknown) => void events.provider.push(event as IdpEvent);
  const ofApplication = (event: unknown) => void events.application.push(event as PublishedSessionEvent);
  subscribe("latchkey:idp", ofProvider);
  subscribe(sessionChannel, ofApplication);
  onTestFinished(() => {
    unsubscribe("latchkey:idp", ofProvider);
    unsubscribe(sessionChannel, ofApplication);
  });
  return events;
}

/** Runs the block of docs/backup.md that holds these words. */
function inShell(words: string, variables: Record<string, string>): void {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/backup.md"), "utf8");
  const blocks = text.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm);
  const block = Array.from(blocks, ([, , block = ""]) => block).find((each) => each.includes(words));
  const env = { PATH: `${join(process.execPath, "..")}:${process.env["PATH"]}`, ...variables };
  execFileSync("sh", ["-ceu", block ?? "exit 1"], { env, stdio: "pipe" });
}

/** Asks for a page as often as a page is due for renewal. */
async function goesOn({ clock }: World, browser: Browser, renewals: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let count = 0; count < renewals; count += 1) {
    clock.pass(11, "minutes");
    statuses.push((await browser.get("/shopping-cart")).status);
  }
  return statuses;
}

function expectNobodyTakenForAThief({ events, mails }: World): void {
  const types = [...events.provider, ...events.application].map(({ type }) => type);
  expect(types).not.toContain("refresh-token-reused");
  expect(types).not.toContain("reuse-detected");
  expect(mails).toEqual([]);
}

function forwards({ events }: World): number {
  return events.provider.filter(({ type }) => type === "refresh-token-went-forward").length;
}

function decide(world: World, choice: RestoreChoice, again = false): ReturnType<typeof restored> {
  return world.operate(({ provider }) => restored(provider, choice, { again }));
}

async function aboutRestore(world: World): Promise<string[]> {
  const findings = await world.operate(({ provider }) => contentFindings(provider));
  return findings.filter(({ about }) => about === "restore").map(({ level }) => level);
}

/** Before the backup Ada, Bob and Dan sign in; after it Ada is renewed, Bob signs out, Carol signs in and Dan is deactivated. */
async function livedThrough(world: World): Promise<Record<Person, Browser> & { stolen: Browser }> {
  const [ada, bob, dan] = [
    await world.signedIn("ada"),
    await world.signedIn("bob"),
    await world.signedIn("dan"),
  ];
  for (const browser of [ada, bob, dan]) expect(await goesOn(world, browser, 1)).toEqual([200]);
  const backedUp = world.backUp();
  // The provider on SQLite serves meanwhile.
  const [served] = await Promise.all([onPostgres ? null : ada.get("/shopping-cart"), backedUp]);
  expect(served?.status ?? 200).toBe(200);
  expect(await goesOn(world, ada, 3)).toEqual([200, 200, 200]);
  const stolen = bob.copy();
  await bob.get("/account");
  expect((await bob.post("/logout")).status).toBe(302);
  const carol = await world.signedIn("carol");
  expect(await goesOn(world, carol, 1)).toEqual([200]);
  const { user } = (await world.api("GET", "/api/user?loginId=dan@example.com")) as { user: { id: string } };
  await world.api("DELETE", `/api/user/${user.id}`);
  await world.deliver();
  expect((await dan.get("/shopping-cart")).status).toBe(302);
  expect(forwards(world)).toBe(0);
  await world.restore();
  return { ada, bob, carol, dan, stolen };
}

test("restored and revived: who was signed in stays so, nobody is a thief, and an operator can notice", async () => {
  const world = await startWorld();
  const { ada, bob, carol, dan, stolen } = await livedThrough(world);
  expect(await aboutRestore(world)).toEqual(["ok"]);

  expect(await goesOn(world, ada, 3)).toEqual([200, 200, 200]);
  expect(forwards(world)).toBe(1);
  expect(await aboutRestore(world)).toEqual(["problem"]);
  // Her sign-in is not in the backup: she signs in again, and that is all.
  expect(await goesOn(world, carol, 1)).toEqual([302]);
  expect((await carol.signIn("carol@example.com", password)).status).toBe(302);
  expect(await goesOn(world, carol, 1)).toEqual([200]);
  // The application remembers what it ended, or was told of.
  for (const browser of [bob, stolen, dan]) expect(await goesOn(world, browser, 1)).toEqual([302]);

  const first = await decide(world, "revive");
  const second = await decide(world, "revive");
  expect([first.wasDone, second.wasDone, first.ended + second.ended]).toEqual([false, true, 0]);
  expect(await aboutRestore(world)).toEqual(["ok"]);
  // He was deactivated after the backup, and is active again.
  expect((await dan.signIn("dan@example.com", password)).status).toBe(302);
  expect(await goesOn(world, ada, 2)).toEqual([200, 200]);
  expectNobodyTakenForAThief(world);
});

test("a new epoch: everybody signs in again, once, and what the applications hear ends their sessions at once", async () => {
  const world = await startWorld();
  const { ada, carol, stolen } = await livedThrough(world);
  expect(await goesOn(world, ada, 1)).toEqual([200]);
  world.clock.pass(2, "minutes");

  const { ended } = await decide(world, "new-epoch");
  expect(ended).toBe(3);
  await world.deliver();
  expect((await ada.get("/shopping-cart")).status).toBe(302);
  const reasons = world.events.provider.flatMap((event) =>
    event.type === "refresh-tokens-revoked" && event.reason === "restored" ? [event.count ?? 0] : [],
  );
  expect(reasons.reduce((sum, count) => sum + count, 0)).toBe(ended);
  for (const browser of [carol, stolen]) expect(await goesOn(world, browser, 1)).toEqual([302]);

  expect((await ada.signIn("ada@example.com", password, { remember: "on" })).status).toBe(302);
  expect(await decide(world, "new-epoch")).toMatchObject({ wasDone: true, ended: 0 });
  await world.deliver();
  expect(await goesOn(world, ada, 3)).toEqual([200, 200, 200]);
  expect(await aboutRestore(world)).toEqual(["ok"]);
  // Restored once more.
  expect(await decide(world, "new-epoch", true)).toMatchObject({ wasDone: false, ended: 1 });
  expectNobodyTakenForAThief(world);
});

test("a new epoch that was broken off goes on where it stopped, and spares who has signed in again meanwhile", async () => {
  const world = await startWorld();
  const ada = await world.signedIn("ada");
  const { applications } = (await world.api("GET", "/api/application")) as { applications: { id: string }[] };
  const [done] = applications.filter(({ id }) => id === STORE_APP);
  const at = world.clock.now();
  const note = { choice: "new-epoch", at, done: false, applications: [done?.id] };
  await world.operate(({ provider }) => provider.store.setNote("restored", JSON.stringify(note)));
  expect(await aboutRestore(world)).toEqual(["problem"]);
  expect(await decide(world, "new-epoch")).toMatchObject({
    wasDone: false,
    ended: 0,
    restoration: { at, done: true },
  });
  await world.deliver();
  expect(await goesOn(world, ada, 1)).toEqual([200]);
  expect(await aboutRestore(world)).toEqual(["ok"]);
});
