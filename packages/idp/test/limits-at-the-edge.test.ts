// The provider's clocks (D5, D6), a millisecond before their end, at it and a millisecond after: a token that lives for L
// from t is dead at t + L exactly, whichever way it is presented (CWE-613).
import { expect, test } from "vitest";
import { login, refreshGrant, seeded, startIdp, type TestIdp } from "./idp.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function startWith(jwtConfiguration: object): Promise<TestIdp> {
  return startIdp({
    kickstart: seeded({ store: { jwtConfiguration: { enabled: true, ...jwtConfiguration } } }),
  });
}

/** Both doors through which a refresh token is exchanged. */
const doors: readonly [string, (idp: TestIdp, refreshToken: string) => Promise<{ status: number }>][] = [
  ["/oauth2/token", (idp, refreshToken) => refreshGrant(idp, refreshToken)],
  [
    "/api/jwt/refresh",
    (idp, refreshToken) => idp.call("POST", "/api/jwt/refresh", { key: null, json: { refreshToken } }),
  ],
];

const fixed = { refreshTokenExpirationPolicy: "Fixed", refreshTokenTimeToLiveInMinutes: 60 };
const sliding = { refreshTokenExpirationPolicy: "SlidingWindow", refreshTokenTimeToLiveInMinutes: 60 };
const withMaximum = {
  refreshTokenExpirationPolicy: "SlidingWindowWithMaximumLifetime",
  refreshTokenTimeToLiveInMinutes: 60,
  refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: 150 },
};

test.each(
  doors.flatMap(([door, present]) =>
    (
      [
        ["Fixed", fixed],
        ["SlidingWindow", sliding],
        ["SlidingWindowWithMaximumLifetime", withMaximum],
      ] as const
    ).map(([policy, configuration]) => ({ door, present, policy, configuration })),
  ),
)(
  "an unused refresh token ($policy) is good until its window ends, to the millisecond, at $door (ASVS 7.3.1)",
  async ({ present, configuration }) => {
    for (const [passed, status] of [
      [HOUR - 1, 200],
      [HOUR, 400],
      [HOUR + 1, 400],
    ] as const) {
      const idp = await startWith(configuration);
      const { body } = await login(idp);
      idp.clock.now += passed;
      expect((await present(idp, body.refreshToken)).status).toBe(status);
    }
  },
);

test.each([
  { policy: "Fixed", configuration: fixed, end: HOUR },
  { policy: "SlidingWindowWithMaximumLifetime", configuration: withMaximum, end: 150 * MINUTE },
])(
  "used every ten minutes, a family ($policy) ends at its limit to the millisecond (ASVS 7.3.2, 10.4.8)",
  async ({ configuration, end }) => {
    const idp = await startWith(configuration);
    const start = idp.clock.now;
    let { refreshToken } = (await login(idp)).body;
    const use = async () => {
      const { status, body } = await refreshGrant(idp, refreshToken);
      refreshToken = body.refresh_token ?? refreshToken;
      return status;
    };
    for (let passed = 10 * MINUTE; passed < end; passed += 10 * MINUTE) {
      idp.clock.now = start + passed;
      expect(await use()).toBe(200);
    }
    idp.clock.now = start + end - 1;
    expect(await use()).toBe(200);
    idp.clock.now = start + end;
    expect(await use()).toBe(400);
    idp.clock.now = start + end + 1;
    expect(await use()).toBe(400);
  },
);

test.each([
  { grace: "the default ten seconds", configuration: {}, length: 10 * SECOND },
  {
    grace: "a day less a second",
    configuration: { refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 86_399 } },
    length: 86_399 * SECOND,
  },
])(
  "the grace of $grace repeats the successor a millisecond before its end, and is reuse from its end on (ASVS 10.4.5)",
  async ({ configuration, length }) => {
    for (const [passed, outcome] of [
      [length - 1, "repeated"],
      [length, "invalid_grant"],
      [length + 1, "invalid_grant"],
    ] as const) {
      const idp = await startWith(configuration);
      const { body: first } = await login(idp);
      const second = await refreshGrant(idp, first.refreshToken);
      idp.clock.now += passed;
      const { body } = await refreshGrant(idp, first.refreshToken);
      const repeated = body.refresh_token === second.body.refresh_token ? "repeated" : "another";
      expect(body.error ?? repeated).toBe(outcome);
      const afterwards = await refreshGrant(idp, second.body.refresh_token);
      expect(afterwards.status).toBe(outcome === "repeated" ? 200 : 400);
    }
  },
);

test("the grace is the immediate predecessor's alone, and counts from its own rotation, not from the last use", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const second = (await refreshGrant(idp, first.refreshToken)).body.refresh_token;
  idp.clock.now += 5 * SECOND;
  // A repetition does not start the grace again.
  expect((await refreshGrant(idp, first.refreshToken)).body.refresh_token).toBe(second);
  idp.clock.now += 5 * SECOND - 1;
  expect((await refreshGrant(idp, first.refreshToken)).body.refresh_token).toBe(second);
  const third = (await refreshGrant(idp, second)).body.refresh_token;
  // One millisecond before its own grace would have ended, the first is two rotations old: reuse.
  expect((await refreshGrant(idp, first.refreshToken)).body.error).toBe("invalid_grant");
  expect((await refreshGrant(idp, third)).body.error).toBe("invalid_grant");
});

test("an access token is good until the second it names, and a millisecond later it is not", async () => {
  const idp = await startWith({ timeToLiveInSeconds: 600 });
  const { body } = await login(idp);
  const headers = { authorization: `Bearer ${body.token}` };
  const validate = async () => (await idp.call("GET", "/api/jwt/validate", { key: null, headers })).status;
  const start = idp.clock.now;
  for (const [passed, status] of [
    [600 * SECOND - 1, 200],
    [600 * SECOND, 401],
    [600 * SECOND + 1, 401],
  ] as const) {
    idp.clock.now = start + passed;
    expect(await validate()).toBe(status);
  }
});
