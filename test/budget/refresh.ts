// Program: what a refresh with rotation takes at the provider, on DATABASE; answered to refresh.test.ts, which says what it may take.
import { setImmediate as turn } from "node:timers/promises";
import { counted } from "./counting.ts";
import { tell } from "./tell.ts";
import { applicationId, clientSecret, startProvider } from "./world.ts";

const provider = await startProvider(process.env["DATABASE"]);
const { loginId, password } = await provider.person();

/** One sign-in's refresh token; the one it has now. */
interface Family {
  token: string;
}

const tokens = { loginId, password, applicationId };
const families: Family[] = [];
for (let count = 0; count < 32; count++)
  families.push({ token: String((await provider.api("/api/login", tokens))["refreshToken"]) });
const [family = { token: "" }] = families;

const basic = `Basic ${Buffer.from(`${applicationId}:${clientSecret}`).toString("base64")}`;
const ways: Record<"jwt" | "grant", (token: string) => Request> = {
  jwt: (refreshToken) =>
    new Request("http://idp.test/api/jwt/refresh", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ refreshToken }),
    }),
  grant: (token) =>
    new Request("http://idp.test/oauth2/token", {
      method: "POST",
      headers: { authorization: basic },
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: token }),
    }),
};

async function refresh(way: (token: string) => Request, presented: Family): Promise<void> {
  const response = await provider.fetch(way(presented.token));
  const body = (await response.json()) as Record<string, unknown>;
  const next = body["refreshToken"] ?? body["refresh_token"];
  if (response.status !== 200 || typeof next !== "string" || next === presented.token)
    throw new Error(`The refresh was answered ${response.status} ${JSON.stringify(body)}`);
  presented.token = next;
}

/** As requests from many sockets come in one turn of the event loop: one after the other, what each leads to at once in between. */
function inTurn(act: () => Promise<void>): Promise<void> {
  return turn().then(act);
}

const answer: Record<string, unknown> = {};
for (const [name, way] of Object.entries(ways)) {
  // Once before, for what is made once.
  await refresh(way, family);
  const works = new Set<string>();
  for (let count = 0; count < 5; count++) {
    const { provider: work } = await counted(() => refresh(way, family));
    works.add(JSON.stringify(work));
  }
  const all = () => Promise.all(families.map((each) => inTurn(() => refresh(way, each))));
  // Once before, for as many connections as there will be.
  await all();
  const { provider: together } = await counted(all);
  const { crypto, roundTrips, sql } = together;
  const times = (label: RegExp) => sql.filter((each) => label.test(each)).length;
  answer[name] = {
    each: [...works].map((work) => JSON.parse(work) as unknown),
    together: { crypto, roundTrips, statements: sql.length, commits: times(/^COMMIT|, on disk$/) },
  };
}
tell(answer);
