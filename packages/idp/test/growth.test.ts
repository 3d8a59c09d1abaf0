// What a caller may make grow, call by call (CWE-770).
import { setTimeout as pause } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { ALICE, dump, emptyDatabase, login, MANAGER_KEY, sql, startIdp, STORE_APP } from "./idp.ts";

// Real hashes, also where other tests have cheap ones: what they cost, or what reads them elsewhere, is part of this.
vi.unmock("@node-rs/argon2");

const large = (name: string) => ({ data: { [name]: "x".repeat(40_000) } });

test("patch upon patch makes nothing larger than one body could", async () => {
  const database = await emptyDatabase();
  const idp = await startIdp({ database });
  const { body } = await idp.call("GET", "/api/tenant");
  const objects: [string, string, object][] = [
    [`/api/user/${ALICE}`, "user", {}],
    [`/api/application/${STORE_APP}`, "application", {}],
    [`/api/tenant/${body.tenants[0].id}`, "tenant", {}],
    [`/api/user/registration/${ALICE}/${STORE_APP}`, "registration", {}],
  ];
  for (const [path, member] of objects) {
    const patch = (name: string) => idp.call("PATCH", path, { json: { [member]: large(name) } });
    expect((await patch("one")).status).toBe(200);
    const before = await dump(database);
    const refused = await patch("two");
    expect([refused.status, refused.body.fieldErrors[member]?.[0].code]).toEqual([400, `[tooLong]${member}`]);
    expect(await dump(database)).toBe(before);
    expect((await patch("one")).status).toBe(200);
  }
});

test("an API key's attributes neither", async () => {
  const idp = await startIdp();
  const { body } = await idp.call("POST", "/api/api-key", { key: MANAGER_KEY, json: { apiKey: {} } });
  const patch = (prefix: string) => {
    const names = Array.from({ length: 40 }, (_, index) => [`${prefix}${index}`, "x".repeat(1_000)]);
    const apiKey = { metaData: { attributes: Object.fromEntries(names) } };
    return idp.call("PATCH", `/api/api-key/${body.apiKey.id}`, { key: MANAGER_KEY, json: { apiKey } });
  };
  expect((await patch("a")).status).toBe(200);
  expect((await patch("b")).status).toBe(400);
});

test("a sign-in keeps at most 4 KiB of what its caller says of the device", async () => {
  const database = await emptyDatabase();
  const idp = await startIdp({ database });
  const metaData = (length: number) => ({ metaData: { data: { note: "x".repeat(length) } } });
  expect((await login(idp, metaData(4_000))).status).toBe(200);
  const before = await dump(database);
  const refused = await login(idp, metaData(4_096));
  expect([refused.status, Object.keys(refused.body.fieldErrors)]).toEqual([400, ["metaData"]]);
  expect(await dump(database)).toBe(before);
});

test("of 20 new passwords at once for one user none is hashed twice", async () => {
  const idp = await startIdp({ hashing: { concurrency: 1, queue: 20 } });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      idp.call("PATCH", `/api/user/${ALICE}`, {
        json: { user: { password: `a fine long phrase ${index}` } },
      }),
    ),
  );
  // Hashing again at each conflict needs more places than there are.
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
});

test("attempts that nobody looked at leave no rows", async () => {
  const database = await emptyDatabase();
  const idp = await startIdp({ database, hashing: { concurrency: 1, queue: 4 } });
  const attempts = Array.from({ length: 200 }, (_, index) =>
    login(idp, { loginId: `nobody${index}`, ipAddress: `198.51.100.${index}` }),
  );
  const looked = (await Promise.all(attempts)).filter(({ status }) => status !== 503).length;
  expect(looked).toBeLessThan(100);
  // One of the login id and one of the address.
  expect(await sql(database, "SELECT key FROM attempts")).toHaveLength(2 * looked);
});

test("more ended refresh tokens than one sweep takes are forgotten within the same minute", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  try {
    const database = await emptyDatabase();
    const idp = await startIdp({ database });
    await login(idp);
    const ended = Array.from(
      { length: 2_500 },
      (_, count) => `UPDATE one SET id = 'ended ${count}'; INSERT INTO refresh_tokens SELECT * FROM one`,
    );
    await sql(
      database,
      `CREATE TEMP TABLE one AS SELECT * FROM refresh_tokens LIMIT 1;
       UPDATE one SET expires = 1, ends = 1, sweep_at = 1;
       BEGIN; ${ended.join("; ")}; COMMIT`,
    );
    const swept = () => idp.events.flatMap((event) => (event.type === "swept" ? [event.refreshTokens] : []));
    await vi.advanceTimersByTimeAsync(60_000);
    // Less than a minute of the provider's time, and slowly: a query's own deadline is on the same clock.
    for (let wait = 0; wait < 800 && swept().length < 3; wait += 1) {
      await vi.advanceTimersByTimeAsync(50);
      await pause(25);
    }
    expect(swept()).toEqual([1_000, 1_000, 500]);
    expect(await sql(database, "SELECT id FROM refresh_tokens")).toHaveLength(1);
  } finally {
    vi.useRealTimers();
  }
});
