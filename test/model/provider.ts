/**
 * An identity provider as histories use it: cut off when they say so, restarted over what it has stored, asked by
 * administrators. Which one is behind it, the real one or its stand-in, makes no difference here.
 */
import { randomBytes } from "node:crypto";
import { memoryStores, type Stores } from "./stores.ts";

/** Somebody with an account, registered for both applications. */
export interface Person {
  readonly id: string;
  readonly email: string;
  password: string;
  isActive: boolean;
  /** How many endings of all this person's sign-ins are under way, and the ordinal of the last one's end. */
  sweeps: number;
  sweptSince: number;
}

/** A provider that answers requests in this process. */
export interface Backend {
  fetch(request: Request): Promise<Response>;
  /** New people with accounts; at least one. */
  people(): Promise<Pick<Person, "id" | "email" | "password">[]>;
  /** Starts again with nothing but what it has stored. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** The provider, and everything a history does to it. */
export interface ModelProvider {
  /** Where the applications' sessions are. */
  readonly stores: Stores;
  readonly now: () => number;
  pass(milliseconds: number): void;
  /** Nobody reaches it while this is true. */
  isDown: boolean;
  /** As the library calls it; rejects while it is down. */
  fetch(request: Request): Promise<Response>;
  /** A call with the API key that gets through. */
  api(method: string, path: string, body?: unknown): Promise<Response>;
  /** Presents a raw refresh token with the client's credentials. */
  present(application: number, refreshToken: string): Promise<Response>;
  /** The newest raw refresh token it gave out, by the family's id. */
  readonly newest: Map<string, string>;
  person(): Promise<Person>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export const issuer = "http://idp.test";
export const applicationIds: readonly string[] = [
  "10000000-0000-4000-8000-000000000001",
  "10000000-0000-4000-8000-000000000002",
];
export const apiKey: string = randomBytes(32).toString("base64url");
export const clientSecret: string = randomBytes(32).toString("base64url");

/** A provider whose clock the history moves; `start` is given that clock. */
export async function modelProvider(
  start: (now: () => number) => Promise<Backend>,
  stores: Stores = memoryStores,
): Promise<ModelProvider> {
  // Far ahead of the real clock, by which Redis forgets what is over.
  let now = Date.UTC(2100, 4, 1, 9);
  const backend = await start(() => now);
  const newest = new Map<string, string>();
  // Every process of every history asks for the keys: the same answer each time, until the provider starts again.
  let keys: string | null = null;
  let people: Person[] = [];

  const answer = async (request: Request) => {
    const isKeys = request.url.endsWith("/jwks.json");
    if (isKeys && keys !== null)
      return new Response(keys, { headers: { "content-type": "application/json" } });
    const response = await backend.fetch(request);
    if (isKeys) keys = await response.clone().text();
    if (response.ok && request.method === "POST") await noteToken(newest, response.clone());
    return response;
  };

  const provider: ModelProvider = {
    stores,
    now: () => now,
    pass(milliseconds) {
      now += milliseconds;
    },
    isDown: false,
    fetch: (request) =>
      provider.isDown ? Promise.reject(new Error("the provider is down")) : answer(request),
    api(method, path, body) {
      const headers = { authorization: apiKey, "content-type": "application/json" };
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      return backend.fetch(new Request(`${issuer}${path}`, init));
    },
    present(application, refreshToken) {
      const credentials = Buffer.from(`${applicationIds[application]}:${clientSecret}`).toString("base64");
      const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken });
      const headers = { authorization: `Basic ${credentials}` };
      return backend.fetch(new Request(`${issuer}/oauth2/token`, { method: "POST", headers, body }));
    },
    newest,
    async person() {
      if (people.length === 0)
        people = (await backend.people()).map((each) => ({
          ...each,
          isActive: true,
          sweeps: 0,
          sweptSince: 0,
        }));
      const person = people.pop();
      if (person === undefined) throw new Error("nobody has an account");
      return person;
    },
    async restart() {
      await backend.restart();
      keys = null;
    },
    close: () => backend.close(),
  };
  return provider;
}

async function noteToken(newest: Map<string, string>, response: Response): Promise<void> {
  const body = record(await response.json().catch(() => null));
  const id = body["refreshTokenId"] ?? body["refresh_token_id"];
  if (typeof id === "string") newest.set(id, String(body["refreshToken"] ?? body["refresh_token"]));
}

/** The members of a JSON object; none for anything else. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
