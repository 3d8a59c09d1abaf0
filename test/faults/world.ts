// The system under test as processes: an application, the provider, what they keep their data in, and honest browsers that use it all
// the time. Whoever dies is followed by another on the same data.
import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Browser } from "../../packages/session/test/browser.ts";
import { type Clock, clock as newClock } from "../../packages/session/test/clock.ts";
import { exchange, type Incoming } from "../../packages/session/test/http.ts";
import { cookieKey, start } from "../../packages/session/test/records.ts";
import { freePorts } from "../free-ports.ts";
import { secret } from "../leak-watch.ts";
import type { Role } from "./node.ts";
import { type Readers, startReaders } from "./readers.ts";
import { apiKey, applicationId, clientSecret, kickstart } from "./set-up.ts";
import { keepStanding, type Standing } from "./standing.ts";

/** Somebody who can sign in. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
}

/** The two processes. */
export type Part = "application" | "provider";

/** The system and what a test does with it. */
export interface World {
  readonly parts: Readonly<Record<Part, Standing>>;
  person(): Promise<Person>;
  browser(): Browser;
  /** A new browser of that person, signed in. */
  signedIn(person: Person, fields?: Record<string, string>): Promise<Browser>;
  /** A call to the provider with an API key. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Incoming>;
  /** Time passes for everybody. */
  pass(...length: Parameters<Clock["pass"]>): Promise<void>;
  /** What each process does by itself every few seconds. */
  maintain(): Promise<void>;
  /** Repeats what was cut off or answered 503 or 429, as a person reloads a page, while a little time passes. */
  insist(request: () => Promise<Incoming>): Promise<Incoming>;
  /** What honest browsers that only read have seen so far. */
  seen(): Readers["seen"];
  close(): Promise<void>;
}

/** Starts everything, on these databases: the provider's and the session store's. */
export async function startWorld(database: string, store: string): Promise<World> {
  const clock = newClock(start);
  const [port = 0, providerPort = 0] = await freePorts(2);
  const key = cookieKey("2100a");
  secret(key.secret);
  const url = `http://127.0.0.1:${providerPort}`;
  const provider: Role = {
    role: "provider",
    port: providerPort,
    database,
    issuer: url,
    keys: [{ id: "k", secret: secret(randomBytes(32).toString("base64url")) }],
    kickstart: kickstart(port),
  };
  const application: Role = {
    role: "application",
    port,
    store,
    origin: `http://127.0.0.1:${port}`,
    identityProvider: { url, applicationId, apiKey, clientSecret, deadline: 20_000 },
    cookieKeys: [key],
  };
  const parts = {
    provider: await keepStanding(provider, clock.now),
    application: await keepStanding(application, clock.now),
  };
  const toAll = (told: Parameters<Standing["tell"]>[0]) =>
    Promise.all(Object.values(parts).map((part) => insistOn(() => part.tell(told))));
  let readers: Readers | null = null;

  const world: World = {
    parts,
    seen: () => readers?.seen ?? { pages: 0, complaints: [] },
    browser: () => new Browser({ origin: application.origin, port }, clock),
    async person() {
      const id = randomUUID();
      const person = { id, email: `${id}@example.com`, password: secret(`a long pass phrase ${id}`) };
      const user = { email: person.email, password: person.password };
      const body = { user, registration: { applicationId } };
      await world.insist(() => world.api("POST", `/api/user/registration/${id}`, body));
      return person;
    },
    async signedIn({ email, password }, fields = {}) {
      const browser = world.browser();
      await world.insist(async () => {
        await browser.get("/login");
        return browser.post("/login", { loginId: email, password, ...fields });
      });
      return browser;
    },
    api(method, path, body, headers = {}) {
      const json = body === undefined ? {} : { body: JSON.stringify(body) };
      const all = { authorization: apiKey, "content-type": "application/json", ...headers };
      return exchange(providerPort, { method, path, headers: all, ...json });
    },
    async pass(...length) {
      clock.pass(...length);
      await toAll({ now: clock.now() });
    },
    async maintain() {
      await toAll({ maintain: true });
    },
    async insist(request) {
      for (let left = 100; ; left--) {
        const response = await request().catch(() => null);
        if (response !== null && ![429, 503].includes(response.status)) return response;
        if (left === 0) throw new Error(`still ${response?.status ?? "cut off"} after 100 attempts`);
        await Promise.all(Object.values(parts).map((part) => part.standing()));
        if (response === null) await delay(10);
        else await world.pass(1, "seconds");
      }
    },
    async close() {
      await readers?.stop();
      await Promise.all(Object.values(parts).map((part) => part.stop()));
    },
  };

  readers = await startReaders(world);
  return world;
}

async function insistOn(tell: () => Promise<void>): Promise<void> {
  for (let left = 100; ; left--) {
    try {
      return await tell();
    } catch (error) {
      if (left === 0) throw error;
      await delay(10);
    }
  }
}
