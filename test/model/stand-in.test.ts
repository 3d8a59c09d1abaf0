/** The stand-in answers what the real provider answers, whatever it is asked in whatever order. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { applicationIds, type ModelProvider, modelProvider, type Person, record } from "./provider.ts";
import { realProvider } from "./real-provider.ts";
import { standIn } from "./stand-in.ts";

vi.mock("@node-rs/argon2", () => import("./cheap-argon2.ts"));

let providers: readonly [ModelProvider, ModelProvider];
beforeAll(async () => {
  const real = await modelProvider((now) => realProvider("measure", now));
  providers = [real, await modelProvider(async (now) => standIn(now))];
});
afterAll(async () => {
  for (const provider of providers) await provider.close();
});

/** One side: its people, and the tokens and families it has named so far, by which answers are compared. */
interface Side {
  readonly provider: ModelProvider;
  readonly people: readonly Person[];
  readonly tokens: string[];
  readonly families: string[];
  readonly begun: number;
}

type Ask = (side: Side) => Promise<unknown>;
interface Call {
  readonly name: string;
  readonly ask: Ask;
}

const user = fc.nat(1);
const application = fc.nat(1);
const any = fc.nat(30);
const second = 1_000;
const day = 86_400 * second;
const grace = 86_399 * second;

const call = (name: string, ask: Ask): Call => ({ name, ask });

const calls: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(user, application)
      .map(([who, where]) => call(`login ${who} at ${where}`, (side) => login(side, who, where))),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(any, fc.boolean(), application)
      .map(([which, isNewest, where]) =>
        call(`refresh ${isNewest ? "newest" : which} at ${where}`, (side) =>
          refresh(side, isNewest ? side.tokens.length - 1 : which, where),
        ),
      ),
  },
  {
    weight: 1,
    arbitrary: any.map((which) => call(`revoke ${which}`, (side) => family(side, "DELETE", which))),
  },
  {
    weight: 1,
    arbitrary: any.map((which) =>
      call(`reuse ${which}`, (side) => family(side, "DELETE", which, "?reason=reuse")),
    ),
  },
  { weight: 2, arbitrary: any.map((which) => call(`family ${which}`, (side) => family(side, "GET", which))) },
  {
    weight: 1,
    arbitrary: user.map((who) => call(`revoke all of ${who}`, (side) => families(side, "DELETE", who))),
  },
  {
    weight: 2,
    arbitrary: user.map((who) => call(`families of ${who}`, (side) => families(side, "GET", who))),
  },
  { weight: 2, arbitrary: user.map((who) => call(`user ${who}`, (side) => retrieveUser(side, who))) },
  {
    weight: 1,
    arbitrary: user.map((who) => call(`password of ${who}`, (side) => changePassword(side, who))),
  },
  { weight: 1, arbitrary: user.map((who) => call(`deactivate ${who}`, (side) => deactivate(side, who))) },
  { weight: 1, arbitrary: fc.constant(call("restart", ({ provider }) => provider.restart())) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        second,
        60 * second,
        grace - 3,
        grace - 2,
        grace,
        10 * day,
        30 * day - grace,
        30 * day - 4,
      )
      .map((length) => call(`${length / second} s`, async ({ provider }) => provider.pass(length))),
  },
);

test("the stand-in for the provider answers as the real one does", { timeout: 120_000 }, async () => {
  let exchanged = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(calls, { minLength: 5, maxLength: 40, size: "max" }), async (calls) => {
      const [real, copy] = await Promise.all(providers.map(begin));
      if (real === undefined || copy === undefined) throw new Error("two sides make a comparison");
      for (const { name, ask } of calls) {
        // No two things happen at one instant: which of them was first is the only thing the clock tells.
        for (const { provider } of [real, copy]) provider.pass(1);
        const expected = await ask(real);
        expect({ name, answer: await ask(copy) }).toEqual({ name, answer: expected });
        if (name.startsWith("refresh") && typeof record(expected)["token"] === "number") exchanged += 1;
      }
    }),
    { numRuns: 300, examples: [endOfGrace(grace - 3), endOfGrace(grace - 2)] },
  );
  expect(exchanged).toBeGreaterThan(100);
});

/** A token comes again that long after its successor, and the two milliseconds of the calls themselves. */
function endOfGrace(length: number): [Call[]] {
  return [
    [
      call("login", (side) => login(side, 0, 0)),
      call("refresh", (side) => refresh(side, 0, 0)),
      call("the grace, nearly", async ({ provider }) => provider.pass(length)),
      call("refresh again", (side) => refresh(side, 0, 0)),
    ],
  ];
}

async function begin(provider: ModelProvider): Promise<Side> {
  const people = [await provider.person(), await provider.person()];
  return { provider, people, tokens: [], families: [], begun: provider.now() };
}

async function login(side: Side, who: number, where: number): Promise<unknown> {
  const { email: loginId, password } = side.people[who] ?? {};
  const body = { loginId, password, applicationId: applicationIds[where] };
  return shown(side, await side.provider.api("POST", "/api/login", body));
}

async function refresh(side: Side, which: number, where: number): Promise<unknown> {
  const token = side.tokens[which % side.tokens.length] ?? "no token";
  return shown(side, await side.provider.present(where, token));
}

/** Status, and which token of which family was given out: the texts are each side's own. */
async function shown(side: Side, response: Response): Promise<unknown> {
  const body = record(await response.json().catch(() => null));
  return {
    status: response.status,
    error: body["error"],
    fields: Object.keys(record(body["fieldErrors"])),
    token: indexOf(side.tokens, body["refreshToken"] ?? body["refresh_token"]),
    family: indexOf(side.families, body["refreshTokenId"] ?? body["refresh_token_id"]),
  };
}

function indexOf(known: string[], text: unknown): number | null {
  if (typeof text !== "string") return null;
  if (!known.includes(text)) known.push(text);
  return known.indexOf(text);
}

function id({ people }: Side, who: number): string {
  return people[who]?.id ?? "";
}

async function deactivate(side: Side, who: number): Promise<number> {
  return (await side.provider.api("DELETE", `/api/user/${id(side, who)}`)).status;
}

async function family(side: Side, method: string, which: number, query = ""): Promise<number> {
  const id = side.families[which % side.families.length] ?? "20000000-0000-4000-8000-000000000009";
  return (await side.provider.api(method, `/api/jwt/refresh/${id}${query}`)).status;
}

async function families(side: Side, method: string, who: number): Promise<unknown> {
  const response = await side.provider.api(method, `/api/jwt/refresh?userId=${id(side, who)}`);
  const listed = record(await response.json().catch(() => null))["refreshTokens"];
  const alive = Array.isArray(listed) ? listed.map(record) : [];
  const began = alive.map((each) => [side.families.indexOf(String(each["id"])), each["startInstant"]]);
  return { status: response.status, alive: began.sort(([a], [b]) => Number(a) - Number(b)) };
}

async function retrieveUser(side: Side, who: number): Promise<unknown> {
  const response = await side.provider.api("GET", `/api/user/${id(side, who)}`);
  const shown = record(record(await response.json())["user"]);
  const changed = Number(shown["passwordLastUpdateInstant"]);
  const registrations = Array.isArray(shown["registrations"]) ? shown["registrations"].map(record) : [];
  return {
    status: response.status,
    active: shown["active"],
    changed: changed > side.begun ? changed : "before",
    registered: new Map(registrations.map((each) => [each["applicationId"], each["roles"]])),
  };
}

async function changePassword(side: Side, who: number): Promise<unknown> {
  const person = side.people[who];
  if (person === undefined) throw new Error("nobody there");
  const password = `another pass phrase ${side.provider.now()}`;
  const body = { loginId: person.email, currentPassword: person.password, password };
  const response = await side.provider.api("POST", "/api/user/change-password", body);
  if (response.ok) person.password = password;
  return response.status;
}
