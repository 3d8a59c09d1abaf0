// The ways to get a token, all of them (WSTG-ATHN-10): found by asking every route of the table with everything that could
// sign somebody in. There are three, and each refuses whoever may not sign in.
import { describe, expect, test } from "vitest";
import { type Route, routes } from "../src/routes.ts";
import {
  ALICE,
  ALICE_EMAIL,
  ALICE_PASSWORD,
  type Answer,
  API_KEY,
  FORUM_APP,
  login,
  MANAGER_KEY,
  refreshGrant,
  startIdp,
  STORE_APP,
  STORE_SECRET,
  type TestIdp,
} from "./idp.ts";

const doors = ["POST /api/login", "POST /oauth2/token", "POST /api/jwt/refresh"];

/** A body that is right for whichever route reads it: what one does not know, it ignores or refuses. */
function everything(refreshToken: string): Record<string, unknown> {
  return {
    loginId: ALICE_EMAIL,
    password: ALICE_PASSWORD,
    currentPassword: ALICE_PASSWORD,
    applicationId: STORE_APP,
    refreshToken,
    user: { email: "carol@example.com", password: "a phrase that nobody else has" },
    registration: { applicationId: STORE_APP },
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    client_id: STORE_APP,
    client_secret: STORE_SECRET,
  };
}

function pathOf({ path }: Route): string {
  const ids: Record<string, string> = { userId: ALICE, applicationId: STORE_APP };
  return path.replaceAll(/:(\w+)\??/g, (_, name: string) => ids[name] ?? FORUM_APP);
}

/** Whether an answer signs somebody in: an access token, a refresh token, or a cookie with one. */
function givesToken({ text, cookies, body }: Answer): boolean {
  const members: unknown[] = [body?.token, body?.access_token, body?.refreshToken, body?.refresh_token];
  const isGiven = members.some((each) => typeof each === "string");
  const isSet = cookies.some((each) => !/=;/.test(each) && !/max-age=0/i.test(each));
  return isGiven || isSet || /eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{20,}/.test(text);
}

async function tryAll(
  idp: TestIdp,
  route: Route,
  refreshToken: string,
  accessToken: string,
): Promise<boolean> {
  const { method } = route;
  const key = route.access === "key manager" ? MANAGER_KEY : API_KEY;
  const body = everything(refreshToken);
  const form = new URLSearchParams(
    Object.entries(body).filter(([, value]) => typeof value === "string") as string[][],
  );
  const isRead = method === "GET" || method === "HEAD";
  const query = `?${form}`;
  const answers: Answer[] = [];
  for (const authorization of [null, key, `Bearer ${accessToken}`]) {
    const sent = authorization === null ? { key: null } : { headers: { authorization } };
    answers.push(await idp.call(method, `${pathOf(route)}${isRead ? query : ""}`, sent));
    if (isRead) continue;
    answers.push(await idp.call(method, pathOf(route), { ...sent, json: body }));
    answers.push(await idp.call(method, pathOf(route), { ...sent, form: String(form) }));
  }
  expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
  return answers.some(givesToken);
}

test("only three routes give a token, whatever is sent to the others (ASVS 6.1.3)", {
  timeout: 120_000,
}, async () => {
  const giving: string[] = [];
  for (const route of routes) {
    const idp = await startIdp();
    const { body } = await login(idp);
    if (await tryAll(idp, route, body.refreshToken, body.token)) giving.push(`${route.method} ${route.path}`);
    await idp.close();
  }
  expect(giving.sort()).toEqual(doors.toSorted());
});

describe("each of them refuses", () => {
  const enter: [string, (idp: TestIdp, refreshToken: string) => Promise<Answer>][] = [
    ["POST /api/login", (idp) => login(idp)],
    ["POST /oauth2/token", (idp, refreshToken) => refreshGrant(idp, refreshToken)],
    [
      "POST /api/jwt/refresh",
      (idp, refreshToken) => idp.call("POST", "/api/jwt/refresh", { key: null, json: { refreshToken } }),
    ],
  ];
  const barred: [string, (idp: TestIdp) => Promise<unknown>][] = [
    ["a locked user", (idp) => idp.call("DELETE", `/api/user/${ALICE}`)],
    [
      "an expired user",
      (idp) => idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { expiry: idp.clock.now - 1 } } }),
    ],
    ["a deleted user", (idp) => idp.call("DELETE", `/api/user/${ALICE}?hardDelete=true`)],
    [
      "a user whose password was changed",
      (idp) =>
        idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password: "quite another phrase" } } }),
    ],
    ["an application that was deactivated", (idp) => idp.call("DELETE", `/api/application/${STORE_APP}`)],
  ];

  test("enter by the doors that there are", () => {
    expect(enter.map(([door]) => door)).toEqual(doors);
  });

  test.each(barred.flatMap(([who, bar]) => enter.map(([door, go]) => ({ who, bar, door, go }))))(
    "$who, at $door (ASVS 6.3.4, 7.4.2)",
    async ({ bar, go }) => {
      const idp = await startIdp();
      const { body } = await login(idp);
      expect((await go(idp, body.refreshToken)).status).toBe(200);
      const { body: again } = await login(idp);
      await bar(idp);
      const answer = await go(idp, again.refreshToken);
      expect([answer.status >= 400 && answer.status < 500, givesToken(answer)]).toEqual([true, false]);
    },
  );
});

test("a password is good for as long as it is not changed: five years later it still signs in (ASVS 6.2.10)", async () => {
  const idp = await startIdp();
  idp.clock.now += 5 * 365 * 86_400_000;
  expect((await login(idp)).status).toBe(200);
});
