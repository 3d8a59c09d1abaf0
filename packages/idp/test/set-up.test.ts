// Construction: configuration, kickstart, secrets that must not reach production, and the database file.
import { statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createIdp, type IdpConfig, type Kickstart } from "../src/index.ts";
import {
  ALICE,
  API_KEY,
  databaseFile,
  dump,
  emptyDatabase,
  KEYS,
  login,
  onPostgres,
  seeded,
  sql,
  startIdp,
  STORE_APP,
} from "./idp.ts";

const base: IdpConfig = { database: ":memory:", issuer: "https://idp.test", keys: KEYS };
const none: Kickstart = { apiKeys: [], requests: [] };

describe("configuration", () => {
  const secret = "0123456789abcdef0123456789abcdef";
  const cases: [string, Partial<IdpConfig>][] = [
    ['"database"', { database: "" }],
    ['"issuer"', { issuer: "idp.test" }],
    ['"issuer"', { issuer: "ftp://idp.test" }],
    ['"issuer"', { issuer: "http://idp.test/?a=b" }],
    ['"keys"', { keys: [] }],
    ['"keys"', { keys: [...KEYS, ...KEYS] }],
    ['"keys[0].id"', { keys: [{ id: "with space", secret }] }],
    ['"keys[0].id"', { keys: [{ id: "x".repeat(17), secret }] }],
    ['"keys[0].secret"', { keys: [{ id: "k", secret: "too short" }] }],
    ['"keys[0].secret"', { keys: [{ id: "k", secret: `sample-${secret}` }], production: true }],
    ['"signingAlgorithm"', { signingAlgorithm: JSON.parse('"HS256"') }],
    ['"hashing.concurrency"', { hashing: { concurrency: 0 } }],
    ['"hashing.queue"', { hashing: { queue: -1 } }],
    [
      '"kickstart.apiKeys"',
      { production: true, kickstart: { ...none, apiKeys: [{ key: `sample-${secret}` }] } },
    ],
    ['"kickstart.requests[2]"', { production: true, kickstart: seeded() }],
  ];
  for (const [option, wrong] of cases) {
    test(`a wrong ${option} is named: ${JSON.stringify(wrong).slice(0, 60)}`, async () => {
      const error: unknown = await createIdp({ ...base, ...wrong }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toContain(option);
      expect(String(error)).not.toContain(secret);
    });
  }

  test("a file that is no database is an error, not a new database", async () => {
    await expect(createIdp({ ...base, database: "/" })).rejects.toMatchObject({
      code: "store-unavailable",
    });
  });

  test("a database of a later version is not touched", async () => {
    const database = await emptyDatabase();
    await (await startIdp({ database })).idp.close();
    await sql(
      database,
      onPostgres
        ? "UPDATE latchkey_idp_schema SET version = 99, compatible_with = 99"
        : "PRAGMA user_version = 99; UPDATE compatibility SET oldest = 99",
    );
    await expect(createIdp({ ...base, database })).rejects.toMatchObject({ code: "database-too-new" });
  });
});

describe("production", () => {
  const sampleSecret = { oauthConfiguration: { clientSecret: "sample-secret-of-the-store" } };
  const withoutUsers = (kickstart: Kickstart): Kickstart => ({
    ...kickstart,
    requests: kickstart.requests.slice(0, 2),
  });

  test("a sample client secret is refused by the API and at start-up (ASVS 13.2.3)", async () => {
    const database = await emptyDatabase();
    const kickstart = withoutUsers(seeded({ store: sampleSecret }));
    await (await startIdp({ database, kickstart })).idp.close();
    await expect(createIdp({ ...base, database, production: true })).rejects.toMatchObject({
      code: "sample-secret",
    });

    const production = await startIdp({
      production: true,
      issuer: "https://idp.test",
      kickstart: withoutUsers(seeded()),
    });
    const json = { application: sampleSecret };
    expect((await production.call("PATCH", `/api/application/${STORE_APP}`, { json })).status).toBe(400);
  });

  test("a sample API key that a development start left behind is refused", async () => {
    const database = await emptyDatabase();
    const kickstart = { ...none, apiKeys: [{ key: "sample-api-key" }] };
    await (await startIdp({ database, kickstart })).idp.close();
    await expect(createIdp({ ...base, database, production: true })).rejects.toMatchObject({
      code: "sample-secret",
    });
  });

  test("a fresh database has no user and no key (ASVS 6.3.2)", async () => {
    const database = await emptyDatabase();
    const idp = await createIdp({ ...base, database });
    for (const table of ["users", "api_keys", "applications"]) {
      expect(await sql(database, `SELECT 1 FROM ${table}`)).toEqual([]);
    }
    await idp.close();
  });
});

describe("kickstart", () => {
  const failing: Kickstart = {
    ...seeded(),
    requests: [
      ...seeded().requests,
      { method: "POST", url: "/api/user", body: { user: { password: "password" } } },
    ],
  };

  test("a refused request stops the start, says which and why but not what, and leaves the database empty", async () => {
    const database = await emptyDatabase();
    const error: unknown = await createIdp({ ...base, database, kickstart: failing }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      code: "kickstart-failed",
      request: 5,
      status: 400,
      message: "Kickstart request 5, POST /api/user, was answered 400 ([blank]user.email)",
    });
    expect(await dump(database)).not.toContain(ALICE);
    const repaired = await startIdp({ database, kickstart: seeded() });
    expect((await login(repaired)).status).toBe(200);
  });

  test("an API key that can't be stored stops the start too", async () => {
    const tenantId = "00000000-0000-4000-8000-000000000000";
    const database = await emptyDatabase();
    for (const apiKeys of [[{ key: API_KEY, tenantId }], [{ key: API_KEY }, { key: API_KEY }]]) {
      const error: unknown = await createIdp({ ...base, database, kickstart: { ...none, apiKeys } }).catch(
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ code: "kickstart-key-refused" });
      expect(String(error)).not.toContain(API_KEY);
    }
    expect((await login(await startIdp({ database }))).status).toBe(200);
  });

  test("it is applied once: later starts change nothing", async () => {
    const database = await emptyDatabase();
    const first = await startIdp({ database });
    await first.call("DELETE", `/api/user/${ALICE}?hardDelete=true`);
    await first.idp.close();
    const second = await startIdp({ database });
    expect((await second.call("GET", `/api/user/${ALICE}`)).status).toBe(404);
  });

  test("one that was interrupted is begun anew", async () => {
    const database = await emptyDatabase();
    await (await startIdp({ database })).idp.close();
    // As a crash half way leaves it.
    await sql(
      database,
      "UPDATE notes SET value = 'started' WHERE name = 'kickstart'; DELETE FROM registrations",
    );
    const again = await startIdp({ database });
    expect((await login(again)).status).toBe(200);
  });

  test("one that goes on elsewhere is waited for, and taken over when nothing is heard of it", async () => {
    const database = await emptyDatabase();
    await (await startIdp({ database })).idp.close();
    let now = Date.UTC(2026, 0, 1);
    await sql(database, `UPDATE notes SET value = 'started ${now} somebody' WHERE name = 'kickstart'`);
    await sql(database, "DELETE FROM registrations");
    const looks: Promise<Record<string, unknown>[]>[] = [];
    const again = await startIdp({
      database,
      now: () => {
        if (looks.length === 4) return now;
        looks.push(sql(database, "SELECT id FROM users"));
        return (now += 5_000);
      },
    });
    // The looks within 15 seconds left everything as it was.
    const seen = (await Promise.all(looks)).map((users) => users.length);
    expect(seen.slice(0, 3)).toEqual([1, 1, 1]);
    expect((await login(again)).status).toBe(200);
  });

  test("may name the default tenant's id, and then change it by that id", async () => {
    const defaultTenantId = "d7d09513-a3f5-401c-9685-34ab6c552453";
    const requests = [
      { method: "PATCH", url: `/api/tenant/${defaultTenantId}`, body: { tenant: { name: "The company" } } },
    ];
    const idp = await startIdp({ kickstart: { apiKeys: [{ key: API_KEY }], requests, defaultTenantId } });
    const answer = await idp.call("GET", `/api/tenant/${defaultTenantId}`);
    expect(answer.body).toMatchObject({ tenant: { id: defaultTenantId, name: "The company" } });
  });

  test("a database with something in it is left alone", async () => {
    const database = await emptyDatabase();
    const first = await createIdp({ ...base, database, kickstart: { ...none, apiKeys: [{ key: API_KEY }] } });
    await first.close();
    const second = await startIdp({ database, kickstart: seeded() });
    expect((await second.call("GET", `/api/application/${STORE_APP}`)).status).toBe(404);
  });
});

test("the database and what SQLite puts beside it are their owner's alone (CWE-276)", async () => {
  const database = databaseFile();
  await startIdp({ database });
  for (const file of [database, `${database}-wal`, `${database}-shm`]) {
    expect(statSync(file).mode & 0o777).toBe(0o600);
  }
});

test("close waits for what is being answered", async () => {
  const idp = await startIdp();
  const answer = login(idp);
  await idp.idp.close();
  expect((await answer).status).toBe(200);
});
