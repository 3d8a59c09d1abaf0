// What doctor says of what is in the database, finding by finding.
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { databaseFindings } from "../src/program/doctor/database.ts";
import { inspectDatabase } from "../src/store/inspection.ts";
import { DAY, examined, healthy, permissions } from "./doctor.ts";
import { onPostgres, sql, STORE_APP } from "./idp.ts";

const bit = (value: boolean): string => (onPostgres ? String(value) : value ? "1" : "0");

test("API keys: ended, about to end, for everything, for making others, samples", async () => {
  const { database, variables } = await healthy();
  const insert = (
    name: string,
    expires: number | null,
    may: object,
    manages: boolean,
    sample: boolean,
  ): Promise<unknown> =>
    sql(
      database,
      `INSERT INTO api_keys (id, hash, name, key_manager, tenant_id, permissions, meta_data, expiration, sample, version, inserted, updated)
       VALUES ('${randomUUID()}', '${name}', '${name}', ${bit(manages)}, NULL, '${JSON.stringify(may)}', '{}', ${expires ?? "NULL"}, ${bit(sample)}, 1, 1, 1)`,
    );
  await insert("ended", Date.now() - DAY, permissions, false, false);
  await insert("ending", Date.now() + 13 * DAY, permissions, false, false);
  await insert("everything", null, {}, false, false);
  await insert("manager", null, permissions, true, false);
  await insert("known", null, permissions, false, true);
  const { of, code } = await examined(variables);
  expect(of("API key ended")).toEqual([expect.stringMatching(/^warning: has ended at .*api-key delete/)]);
  expect(of("API key ending")).toEqual([expect.stringMatching(/^warning: ends in 1[23] d/)]);
  expect(of("API key everything")).toEqual([expect.stringMatching(/^warning: may do everything.*--allow/)]);
  expect(of("API key manager")).toEqual([expect.stringMatching(/^warning: may make other keys/)]);
  expect(of("API key known")).toEqual([expect.stringMatching(/^problem: is a sample.*api-key delete/)]);
  expect(code).toBe(2);
});

test("secrets that everybody knows: a client's, and users' from a kickstart file", async () => {
  const { idp, database, variables } = await healthy();
  const oauthConfiguration = { clientSecret: "sample-0123456789abcdef" };
  await idp.call("PATCH", `/api/application/${STORE_APP}`, { json: { application: { oauthConfiguration } } });
  await sql(database, "INSERT INTO notes (name, value) VALUES ('seeded', 'passwords')");
  const { of, code } = await examined(variables);
  expect(code).toBe(2);
  expect(of("application Store")[1]).toMatch(/^problem: its client secret is a sample/);
  expect(of("users")[0]).toMatch(/^problem: a kickstart file made users with passwords/);
  expect((await examined({ ...variables, NODE_ENV: "development" })).code).toBe(1);
});

test("signing keys: an old one, and RS256", async () => {
  const { idp, database, variables } = await healthy();
  await sql(database, `UPDATE signing_keys SET inserted = ${Date.now() - 366 * DAY}`);
  expect((await examined(variables)).of("signing keys")).toEqual([
    expect.stringMatching(
      /^warning: .*\(ES256\) signs, made 366 d ago; 1 in the ring → latchkey-idp keys rotate/,
    ),
  ]);
  await idp.idp.rotateSigningKey();
  await sql(database, `UPDATE signing_keys SET algorithm = 'RS256', inserted = ${Date.now() - DAY}`);
  const { of } = await examined({ ...variables, SIGNING_ALGORITHM: "RS256" });
  expect(of("signing keys")).toEqual([
    expect.stringMatching(/^ok: .*\(RS256\) signs, made 1 d ago; 2 in the ring$/),
    expect.stringMatching(/^warning: RS256 signs/),
  ]);
});

test("webhooks: unsigned, in clear, and what waits for one that does not answer; mail that waits", async () => {
  const { idp, database, variables } = await healthy();
  await sql(database, "UPDATE api_keys SET name = 'tests'");
  const webhook = (url: string, extra: object): object => ({
    webhook: {
      url,
      global: true,
      connectTimeout: 100,
      readTimeout: 100,
      eventsEnabled: { "user.delete": true },
      ...extra,
    },
  });
  const made = await idp.call("POST", "/api/webhook", { json: webhook("http://127.0.0.1:1/hook", {}) });
  await idp.call("POST", "/api/webhook", {
    json: webhook("https://store.example/hook?token=a-secret-in-an-address", {
      signatureConfiguration: { enabled: false },
    }),
  });
  const before = await examined(variables);
  expect(before.of("webhook https://store.example")).toEqual([
    expect.stringMatching(/^warning: is not signed/),
  ]);
  expect(JSON.stringify(before.findings)).not.toContain("a-secret-in-an-address");
  const waits = (receiver: string, written: number, attempts: number): Promise<unknown> =>
    sql(
      database,
      `INSERT INTO outbox (receiver, lane, event, written, attempts, due) VALUES ('${receiver}', 'x', '{}', ${written}, ${attempts}, ${Date.now() + DAY})`,
    );
  await waits(made.body.webhook.id, Date.now() - 2 * 3_600_000, 12);
  await waits(made.body.webhook.id, Date.now(), 0);
  await waits("mail", Date.now() - 2 * 60_000, 0);
  await waits(randomUUID(), Date.now() - DAY, 3);
  const { of, code, findings } = await examined(variables);
  expect(of("webhook http://127.0.0.1:1")).toEqual([
    expect.stringMatching(
      /^problem: 2 events wait, the oldest since .* \(2 h\), tried up to 12 times → .*2xx/,
    ),
  ]);
  expect(of("mail")[0]).toMatch(
    /^warning: 1 events wait.*\(2 m\), tried up to 0 times → is a server running\?/,
  );
  expect([code, findings.filter(({ found }) => found.includes("events wait")).length]).toEqual([2, 2]);
  await sql(
    database,
    "UPDATE webhooks SET settings = replace(settings, 'http://127.0.0.1:1', 'http://store.example')",
  );
  expect((await examined(variables)).of("webhook http://store.example")[0]).toMatch(
    /^warning: goes over the network in clear/,
  );
});

test("what a lockout still owes, a restore nobody has decided on, and one that was broken off", async () => {
  const { database, variables } = await healthy();
  const note = (name: string, value: string): Promise<unknown> =>
    sql(
      database,
      `DELETE FROM notes WHERE name = '${name}'; INSERT INTO notes (name, value) VALUES ('${name}', '${value}')`,
    );
  await sql(database, "INSERT INTO owed_revocations (user_id) VALUES ('a'), ('b')");
  await note("refresh-token-went-forward", String(Date.now()));
  const first = await examined(variables);
  expect(first.of("sign-ins")).toEqual([
    expect.stringMatching(/^warning: those of 2 users are still to end/),
  ]);
  expect(first.of("restore")).toEqual([
    expect.stringMatching(/^problem: refresh tokens were newer.*nobody has decided.*restored --help$/),
  ]);
  const decided = { choice: "new-epoch", at: Date.now(), done: false, applications: [] };
  await note("restored", JSON.stringify(decided));
  expect((await examined(variables)).of("restore")).toEqual([
    expect.stringMatching(/^problem: new-epoch, begun at .*restored --new-epoch$/),
  ]);
  await note("restored", JSON.stringify({ ...decided, done: true }));
  expect((await examined(variables)).of("restore")).toEqual([expect.stringMatching(/^ok: new-epoch at/)]);
  await note("restored", JSON.stringify({ ...decided, done: true, at: Date.now() - 32 * DAY }));
  expect((await examined(variables)).of("restore")).toEqual([
    expect.stringMatching(/^warning: .*long after new-epoch.*--again$/),
  ]);
});

test("the database: slow, read-only, of another release, with another clock", async () => {
  const { database } = await healthy();
  const inspection = await inspectDatabase(database);
  expect(inspection.schema.found).toBe(inspection.schema.known);
  const about = (changed: object): string[] =>
    databaseFindings("here", { ...inspection, roundTripMs: 1, clockOffsetMs: 0, ...changed }).flatMap(
      ({ level, about }) => (level === "ok" ? [] : [`${level} ${about}`]),
    );
  expect(about({})).toEqual([]);
  expect(about({ roundTripMs: 21 })).toEqual(["warning database"]);
  expect(about({ readOnly: true })).toEqual(["problem database"]);
  expect(about({ clockOffsetMs: -6_000 })).toEqual(["warning clock"]);
  expect(about({ clockOffsetMs: 61_000 })).toEqual(["problem clock"]);
  const { known } = inspection.schema;
  expect(about({ schema: { found: known + 1, known } })).toEqual(["warning schema"]);
  expect(about({ schema: { found: known - 1, known } })).toEqual(["problem schema"]);
});
