// What doctor says of settings, configuration and what it can't reach, finding by finding: each is brought about for real. What is in
// the database is doctor-contents.test.ts's.
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DAY, examined, healthy } from "./doctor.ts";
import { databaseFile, onPostgres, STORE_APP } from "./idp.ts";
import { startMailServer } from "./mail-server.ts";
import { runCommand } from "./program.ts";

test("a provider as it should be: all is ok, and the lifetimes in force are told", async () => {
  const { variables } = await healthy();
  const { code, findings, lifetimes } = await examined(variables);
  expect(findings.filter(({ level }) => level !== "ok")).toEqual([]);
  expect(code).toBe(0);
  const abouts = findings.map(({ about }) => about);
  const parts = ["issuer", "KEYS", "database", "schema", "sign-ins", "signing keys", "API keys", "webhooks"];
  for (const about of [...parts, "restore", "mail", "application Store", "application Forum"])
    expect(abouts).toContain(about);
  expect(abouts.includes("clock")).toBe(onPostgres);
  const inForce = { refreshTokens: "OneTimeUse", idle: 30 * DAY, absolute: 30 * DAY, grace: 10_000 };
  expect(new Map(lifetimes.map((line) => [line["about"], line]))).toEqual(
    new Map([
      ["tenant Default", { about: "tenant Default", accessToken: 3_600_000, ...inForce }],
      ["application Store", { about: "application Store", accessToken: 300_000, ...inForce }],
      ["application Forum", { about: "application Forum", accessToken: 300_000, ...inForce }],
    ]),
  );
  const { out } = await runCommand(variables, ["doctor", "--application", STORE_APP]);
  expect(out).toMatch(/^lifetimes +access token +refresh token +unused +at most +grace\n/);
  expect(out).toMatch(/application Store +5 m +OneTimeUse +30 d +30 d +10 s\n/);
  expect(out).not.toContain("Forum");
  const short = [
    "--sign-in-absolute",
    "60d",
    "--sign-in-idle",
    "45d",
    "--revalidate-after",
    "1m",
    "--deadline",
    "9s",
  ];
  const { of } = await examined(variables, [...short, "--application", STORE_APP]);
  expect(of("application Store").map((line) => line.split(" ").slice(0, 4).join(" "))).toEqual([
    "warning: access tokens live",
    "warning: the grace of",
    "warning: refresh tokens end",
    "warning: refresh tokens die",
  ]);
});

const jwt = (settings: object): object => ({
  jwtConfiguration: { enabled: true, timeToLiveInSeconds: 300, ...settings },
});

test.each<[string, object, RegExp]>([
  [
    "no grace",
    jwt({ refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 0 } }),
    /^problem: OneTimeUse without a grace.*gracePeriodInSeconds: 10$/,
  ],
  [
    "a short grace",
    jwt({ refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 5 } }),
    /^warning: the grace of 5 s is shorter.*gracePeriodInSeconds: 10$/,
  ],
  [
    "reusable tokens",
    jwt({ refreshTokenUsagePolicy: "Reusable" }),
    /^warning: refresh tokens are Reusable.*OneTimeUse$/,
  ],
  [
    "a short absolute end",
    jwt({ refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: 43_199 } }),
    /^warning: refresh tokens end after 29 d 23 h, .* 30 d.*maximumTimeToLiveInMinutes: 43200/,
  ],
  [
    "a short fixed life",
    jwt({ refreshTokenExpirationPolicy: "Fixed", refreshTokenTimeToLiveInMinutes: 1_440 }),
    /^warning: refresh tokens end after 1 d, .*refreshTokenTimeToLiveInMinutes: 43200/,
  ],
  [
    "no absolute end",
    jwt({ refreshTokenExpirationPolicy: "SlidingWindow" }),
    /^warning: refresh tokens slide without an end.*SlidingWindowWithMaximumLifetime$/,
  ],
  [
    "a short window",
    jwt({ refreshTokenTimeToLiveInMinutes: 1_440 }),
    /^warning: refresh tokens die after 1 d without use, .* 14 d.*refreshTokenTimeToLiveInMinutes: 20160/,
  ],
  [
    "a window shorter than a renewal",
    jwt({ refreshTokenTimeToLiveInMinutes: 10 }),
    /^problem: refresh tokens die after 10 m without use, before the application uses them/,
  ],
  [
    "long access tokens",
    jwt({ timeToLiveInSeconds: 601 }),
    /^warning: access tokens live 10 m 1 s, longer than 10 m.*timeToLiveInSeconds: 600$/,
  ],
  [
    "reuse that ends nothing",
    jwt({ refreshTokenRevocationPolicy: { onOneTimeTokenReuse: false } }),
    /^warning: .*thief stays in.*onOneTimeTokenReuse: true$/,
  ],
  [
    "a refresh without the secret",
    { loginConfiguration: { generateRefreshTokens: true, allowTokenRefresh: true } },
    /^warning: allowTokenRefresh/,
  ],
  [
    "a client without a secret",
    { oauthConfiguration: { clientAuthenticationPolicy: "NotRequired" } },
    /^warning: .*without the client secret.*clientAuthenticationPolicy: Required$/,
  ],
  [
    "the password grant",
    { oauthConfiguration: { enabledGrants: ["password", "refresh_token"] } },
    /^warning: enabledGrants names password.*RFC 9700/,
  ],
  [
    "passwords without a key",
    { loginConfiguration: { generateRefreshTokens: true, requireAuthentication: false } },
    /^warning: anybody may try passwords/,
  ],
])("an application with %s", async (_, application, says) => {
  const { idp, variables } = await healthy();
  expect((await idp.call("PATCH", `/api/application/${STORE_APP}`, { json: { application } })).status).toBe(
    200,
  );
  const { of, code } = await examined(variables, ["--application", STORE_APP]);
  const found = of("application Store");
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(says);
  expect(code).toBe(found[0]?.startsWith("problem") ? 2 : 1);
});

test("a tenant whose sign-ins outlive what should end them; an application without refresh tokens; one that is not there", async () => {
  const { idp, variables } = await healthy();
  const { body } = await idp.call("GET", "/api/tenant");
  const jwtConfiguration = {
    refreshTokenRevocationPolicy: { onPasswordChanged: false, onLoginPrevented: false },
  };
  await idp.call("PATCH", `/api/tenant/${body.tenants[0].id}`, { json: { tenant: { jwtConfiguration } } });
  const application = { loginConfiguration: { generateRefreshTokens: false } };
  await idp.call("PATCH", `/api/application/${STORE_APP}`, { json: { application } });
  const { of } = await examined(variables);
  for (const about of ["application Store", "application Forum"]) {
    expect(of(about)).toEqual([
      expect.stringMatching(/outlive a change of the password.*onPasswordChanged: true$/),
      expect.stringMatching(/outlive the deactivation.*onLoginPrevented: true$/),
    ]);
  }
  const nobody = await examined(variables, ["--application", "00000000-0000-4000-8000-000000000000"]);
  expect(nobody.of("application")).toEqual([expect.stringMatching(/^problem: there is none with the id/)]);
});

test("the configuration: development, plain http, RS256, a sample key, no mail", async () => {
  const { variables } = await healthy();
  const odd = {
    ...variables,
    NODE_ENV: "development",
    ISSUER: "http://idp.example.com",
    SIGNING_ALGORITHM: "RS256",
    KEYS: `${variables["KEYS"]},s:sample-0123456789abcdef0123456789abcdef`,
    SMTP_URL: "",
    MAIL_FROM: "",
  };
  const { of, code } = await examined(odd);
  expect(code).toBe(1);
  expect(of("configuration")[0]).toMatch(/^warning: NODE_ENV is not production/);
  expect(of("issuer")[0]).toMatch(/^warning: http:\/\/idp\.example\.com is not https/);
  expect(of("SIGNING_ALGORITHM")[0]).toMatch(/^warning: RS256/);
  expect(of("signing keys")[1]).toMatch(/^warning: SIGNING_ALGORITHM is RS256 here, another on the servers/);
  expect(of("KEYS")[0]).toMatch(/^warning: holds a sample secret/);
  expect(of("mail")[0]).toMatch(/^warning: is not configured/);
});

test.each<[string, Record<string, string>, string]>([
  [
    "no keys",
    { KEYS: "" },
    "problem: KEYS: must be set in production (or KEYS_FILE) → see latchkey-idp --help",
  ],
  [
    "plain http in production",
    { ISSUER: "http://idp.example.com" },
    'problem: ISSUER: "issuer" must be https in production',
  ],
  [
    "keys that open nothing",
    { KEYS: "k1:another-secret-of-at-least-32-bytes" },
    "problem: KEYS: No key in config.keys opens signing key",
  ],
])("what stops a server is a problem: %s", async (_, changed, says) => {
  const { variables } = await healthy();
  const { findings, code } = await examined({ ...variables, ...changed });
  expect(code).toBe(2);
  const problems = findings.filter(({ level }) => level === "problem");
  expect(problems).toHaveLength(1);
  expect(`problem: ${problems[0]?.found} → ${problems[0]?.todo}`).toContain(says);
});

test("a database that can't be reached, or is empty, is not made or migrated; the mail server is looked at still", async () => {
  const { variables } = await healthy();
  const { DATABASE: _, DATABASE_URL: __, ...others } = variables;
  const gone = await examined({
    ...others,
    DATABASE_URL: "postgres://a:a-password-of-a-database@127.0.0.1:1/idp",
  });
  expect([gone.code, gone.of("database")]).toEqual([
    2,
    [expect.stringMatching(/^problem: DATABASE_URL: .*cannot be used/)],
  ]);
  expect(JSON.stringify(gone)).not.toContain("a-password-of-a-database");
  expect(gone.of("mail")).toEqual([expect.stringMatching(/^ok/)]);
  const missing = await examined({ ...others, DATABASE: join(import.meta.dirname, "missing.sqlite") });
  expect(missing.of("database")[0]).toMatch(/^problem: DATABASE: .* does not exist/);
  const empty = databaseFile();
  writeFileSync(empty, "");
  const made = await examined({ ...others, DATABASE: empty });
  expect(made.of("schema")).toEqual([
    expect.stringMatching(/^problem: the database is empty → latchkey-idp migrate/),
  ]);
  expect(statSync(empty).size).toBe(0);
});

test("a mail server that lets nobody in", async () => {
  const { variables } = await healthy();
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const address = closed.address();
  const port = typeof address === "object" ? address?.port : 0;
  await new Promise((resolve) => closed.close(resolve));
  const refusing = await startMailServer(0, true);
  for (const SMTP_URL of [
    `smtp://127.0.0.1:${port}`,
    refusing.url.replace("//", "//somebody:a-wrong-password-of-mail@"),
  ]) {
    const { of, code, findings } = await examined({ ...variables, SMTP_URL });
    expect([code, of("mail")]).toEqual([
      2,
      [expect.stringMatching(/^problem: the mail server does not let us in \(\w+\)/)],
    ]);
    expect(JSON.stringify(findings)).not.toContain("a-wrong-password-of-mail");
  }
});
