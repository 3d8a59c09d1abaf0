// The commands of an operator, on the database of a provider that serves meanwhile. What they do is seen from outside: over the API.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { commands } from "../src/program/commands.ts";
import { helpOf } from "../src/program/command.ts";
import {
  ALICE,
  ALICE_EMAIL,
  claimsOf,
  emptyDatabase,
  FORUM_APP,
  KEYS,
  login,
  onPostgres,
  refreshGrant,
  seeded,
  startIdp,
  STORE_APP,
  STORE_SECRET,
  type TestIdp,
} from "./idp.ts";
import { runCommand, runProgram, startServer, variablesOf } from "./program.ts";

// Real hashes, also where other tests have cheap ones: what they cost, or what reads them elsewhere, is part of this.
vi.unmock("@node-rs/argon2");

const folder = mkdtempSync(join(tmpdir(), "latchkey-idp-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SECOND = 1_000;

/** A provider that serves, by the clock of this machine as the commands do, and its variables. */
async function serving(): Promise<{ idp: TestIdp; command: Command }> {
  const database = await emptyDatabase();
  const idp = await startIdp({ database, now: Date.now, kickstart: seeded() });
  return { idp, command: (words, input) => runCommand(variablesOf(database), words, input) };
}
type Command = (words: readonly string[], input?: string) => ReturnType<typeof runCommand>;

/** What a command printed, where it went well. */
async function printedBy(command: Command, words: readonly string[], input?: string): Promise<string> {
  const { code, out, err } = await command(words, input);
  expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
  return out;
}

function signInAs(idp: TestIdp, loginId: string, password: string) {
  return idp.call("POST", "/api/login", { json: { loginId, password, applicationId: STORE_APP } });
}

test.each(commands.map((command) => [command.name, command] as const))(
  "%s --help says what it does, when one needs it, an example, what it prints and how it exits",
  (name, command) => {
    const help = helpOf(command);
    expect(help.startsWith(`latchkey-idp ${name}`)).toBe(true);
    expect(command.when.length).toBeGreaterThan(40);
    for (const part of ["For example:\n", "Prints: ", "Exits with: 0"]) expect(help).toContain(part);
    expect(command.example).toContain(`latchkey-idp ${name}`);
    for (const option of Object.keys(command.options ?? {})) expect(help).toContain(`--${option}`);
    for (const line of help.split("\n")) expect(line.length).toBeLessThan(150);
  },
);

test("a user is made, seen, locked, unlocked and signed out", async () => {
  const { idp, command } = await serving();
  const password = secret("a long pass phrase of Dora's");
  const words = [
    "user",
    "create",
    "--email",
    "dora@example.com",
    "--application",
    STORE_APP,
    "--role",
    "admin",
  ];
  const id = (await printedBy(command, words, password)).trim();
  const { status, body } = await signInAs(idp, "dora@example.com", password);
  expect([status, body.user.id, claimsOf(body.token).roles]).toEqual([200, id, ["admin"]]);

  const shown = await printedBy(command, ["user", "show", "dora@example.com"]);
  for (const text of [id, "dora@example.com", STORE_APP, body.refreshTokenId]) expect(shown).toContain(text);
  const asJson = JSON.parse(await printedBy(command, ["user", "show", id, "--json"]));
  expect(asJson).toMatchObject({ user: { id }, refreshTokens: [{ id: body.refreshTokenId }] });

  await printedBy(command, ["user", "sign-out", id, "--application", FORUM_APP]);
  const second = await refreshGrant(idp, body.refreshToken);
  expect(second.status).toBe(200);
  await printedBy(command, ["user", "sign-out", "dora@example.com"]);
  expect((await refreshGrant(idp, second.body.refresh_token)).body.error).toBe("invalid_grant");

  await printedBy(command, ["user", "deactivate", id]);
  expect((await signInAs(idp, "dora@example.com", password)).status).toBe(423);
  await printedBy(command, ["user", "reactivate", id]);
  expect((await signInAs(idp, "dora@example.com", password)).status).toBe(200);
});

test("a password is set from standard input, by the tenant's rules, and ends the sign-ins", async () => {
  const { idp, command } = await serving();
  const { body } = await login(idp);
  const refused = await command(["user", "set-password", ALICE_EMAIL], "short");
  const untold = "latchkey-idp: he is not told by mail: SMTP_URL and MAIL_FROM are not set here\n";
  expect([refused.code, refused.out, refused.err]).toEqual([
    1,
    "",
    `${untold}user.password: is too short.\n`,
  ]);
  expect((await command(["user", "set-password", ALICE_EMAIL])).err).toContain("no password");
  const password = secret("another long pass phrase");
  expect(await printedBy(command, ["user", "set-password", ALICE_EMAIL], password)).toBe(`${ALICE}\n`);
  expect((await refreshGrant(idp, body.refreshToken)).body.error).toBe("invalid_grant");
  expect((await signInAs(idp, ALICE_EMAIL, password)).status).toBe(200);
});

test("what the API refuses a command refuses, in the API's words, and nothing is stored", async () => {
  const { command } = await serving();
  const cases: [string[], RegExp][] = [
    [["user", "create", "--email", ALICE_EMAIL, "--no-password"], /^user\.email: exists already\.\n$/],
    [
      ["user", "create", "--email", "nonsense", "--no-password"],
      /^user\.email: is not an e-mail address\.\n$/,
    ],
    [["user", "show", "nobody@example.com"], /no such thing/],
    [["user", "deactivate", "00000000-0000-4000-8000-000000000000"], /no such thing/],
    [["application", "create", "--name", "Store"], /^application\.name: exists already\.\n$/],
    [["application", "show", "nonsense"], /applicationId: is not a UUID/],
    [["api-key", "create", "--allow", "GET"], /--allow must be like/],
    [["api-key", "create", "--expires", "soon"], /--expires must be like 90d/],
    [["api-key", "delete", "00000000-0000-4000-8000-000000000000"], /no such thing/],
    [["keys", "retire", "00000000-0000-4000-8000-000000000000"], /no such key/],
    [["keys", "list", "--colour"], /--colour.*--help/],
    [["user", "show"], /name the ID\|EMAIL\|USERNAME/],
    [["keys", "list", "all"], /what is "all"\?/],
    [["restored"], /--revive or --new-epoch/],
    [["restored", "--revive", "--new-epoch"], /--revive or --new-epoch/],
  ];
  for (const [words, says] of cases) {
    const { code, out, err } = await command(words);
    expect([words, code, out]).toEqual([words, 1, ""]);
    expect(err).toMatch(says);
    expect(err.trim().split("\n")).toHaveLength(1);
  }
});

test("an application is made with a secret that can be used, and shown without it", async () => {
  const { idp, command } = await serving();
  const made = JSON.parse(
    await printedBy(command, [
      "application",
      "create",
      "--name",
      "Wiki",
      "--default-role",
      "reader",
      "--json",
    ]),
  );
  const clientSecret = secret(made.oauthConfiguration.clientSecret);
  const user = { email: "eve@example.com", password: "a long pass phrase of Eve's" };
  const json = { user, registration: { applicationId: made.id } };
  await idp.call("POST", "/api/user/registration", { json });
  const credentials = { loginId: user.email, password: user.password, applicationId: made.id };
  const { body } = await idp.call("POST", "/api/login", { json: credentials });
  expect(claimsOf(body.token).roles).toEqual(["reader"]);
  const client = { client_id: made.id, client_secret: clientSecret };
  expect((await refreshGrant(idp, body.refreshToken, client)).status).toBe(200);

  const show = ["application", "show", made.id];
  expect(await printedBy(command, show)).not.toContain(clientSecret);
  expect(await printedBy(command, [...show, "--json"])).not.toContain(clientSecret);
  const list = [
    await printedBy(command, ["application", "list"]),
    await printedBy(command, ["application", "list", "--json"]),
  ];
  for (const text of list) {
    for (const part of ["Store", "Forum", "Wiki", made.id]) expect(text).toContain(part);
    for (const hidden of [clientSecret, STORE_SECRET]) expect(text).not.toContain(hidden);
  }
  const { out } = await command([...show, "--secret"]);
  expect(out.includes(clientSecret)).toBe(true);
});

test("an application is made from a file, and a file that is none is not quoted", async () => {
  const { idp, command } = await serving();
  const path = join(folder, "application.json");
  writeFileSync(
    path,
    JSON.stringify({
      application: { name: "Wiki", jwtConfiguration: { enabled: true, timeToLiveInSeconds: 300 } },
    }),
  );
  const id = "00000000-0000-4000-8000-00000000000a";
  await printedBy(command, ["application", "create", "--from", path, "--id", id, "--name", "Blog"]);
  const { body } = await idp.call("GET", `/api/application/${id}`);
  expect(body.application).toMatchObject({ name: "Blog", jwtConfiguration: { timeToLiveInSeconds: 300 } });
  const text = secret("a-client-secret-that-is-not-quoted");
  for (const [content, says] of [
    [`{ "application": "${text}"`, "is not JSON"],
    [`{ "app": "${text}" }`, "must hold"],
  ] as const) {
    writeFileSync(path, content);
    const { code, err } = await command(["application", "create", "--from", path]);
    expect([code, err.includes(says)]).toEqual([1, true]);
  }
});

test("an API key is shown once, may do what it was made for and no more, and is gone when it is deleted", async () => {
  const { idp, command } = await serving();
  const words = [
    "api-key",
    "create",
    "--name",
    "Store",
    "--expires",
    "90d",
    "--allow",
    "get,post /api/user",
    "--json",
  ];
  const made = JSON.parse((await command(words)).out);
  const key = secret(made.key);
  expect(made.permissions.endpoints).toEqual({ "/api/user": ["GET", "POST"] });
  expect(Math.abs(made.expirationInstant - Date.now() - 90 * 86_400_000)).toBeLessThan(60 * SECOND);
  const tried = async () => [
    (await idp.call("GET", `/api/user/${ALICE}`, { key })).status,
    (await idp.call("DELETE", `/api/user/${ALICE}`, { key })).status,
  ];
  expect(await tried()).toEqual([200, 401]);
  const listed =
    (await printedBy(command, ["api-key", "list"])) +
    (await printedBy(command, ["api-key", "list", "--json"]));
  expect(listed).toContain(made.id);
  expect(listed).toContain("GET,POST /api/user");
  expect(listed.includes(key)).toBe(false);
  await printedBy(command, ["api-key", "delete", made.id]);
  expect(await tried()).toEqual([401, 401]);
});

test("keys roll, and one that leaked is retired once no server can sign with it", async () => {
  const { idp, command } = await serving();
  const ring = async () =>
    JSON.parse(await printedBy(command, ["keys", "list", "--json"])).map(
      (key: { kid: string; state: string }) => [key.kid, key.state],
    );
  const [[old]] = await ring();
  expect((await command(["keys", "retire", old])).err).toContain("keys rotate --now first");
  const rotated = Date.now();
  const kid = (await printedBy(command, ["keys", "rotate"])).split(" ")[0];
  expect(await ring()).toEqual([
    [kid, "published"],
    [old, "signs"],
  ]);
  const jwks = async () =>
    (await idp.call("GET", "/.well-known/jwks.json", { key: null })).body.keys.map(
      (key: { kid: string }) => key.kid,
    );
  expect(await jwks()).toEqual([old, kid]);
  // None signs with it before all have forgotten it.
  const refused = await command(["keys", "retire", old]);
  expect(refused.code).toBe(1);
  expectAgainIn(80, rotated, refused.err);
  const rotatedAtOnce = Date.now();
  const fresh = (await printedBy(command, ["keys", "rotate", "--now"])).split(" ")[0];
  expect(await ring()).toEqual([
    [fresh, "signs"],
    [kid, "verifies"],
    [old, "verifies"],
  ]);
  expectAgainIn(20, rotatedAtOnce, (await command(["keys", "retire", old])).err);
});

/** So many seconds after that instant; how long the test took since, nobody knows beforehand. */
function expectAgainIn(seconds: number, since: number, said: string): void {
  const left = Number(/again in (\d+) s/.exec(said)?.[1]);
  const passed = Math.ceil((Date.now() - since) / 1_000);
  expect(Math.abs(seconds - left)).toBeLessThanOrEqual(passed);
}

test("processes that start at once on an empty database publish one ring", async () => {
  const database = await emptyDatabase();
  const servers = await Promise.all(Array.from({ length: 3 }, () => startServer(variablesOf(database))));
  const jwks = await Promise.all(
    servers.map(async ({ url }) => {
      const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as {
        keys: { kid: string }[];
      };
      return keys.map(({ kid }) => kid);
    }),
  );
  expect(jwks[0]?.length).toBeGreaterThan(0);
  expect(jwks).toEqual([jwks[0], jwks[0], jwks[0]]);
});

test("the program itself: help for all, for some and for one; migrate; a password through a pipe; an unknown word", async () => {
  const database = await emptyDatabase();
  const variables = variablesOf(database);
  const program = (args: string[], input?: string) => runProgram(variables, args, input);
  const help = await program(["--help"]);
  for (const { name } of commands) expect(help.stdout).toContain(`  ${name} `);
  expect((await program(["keys", "--help"])).stdout.split("\n").filter((line) => line !== "")).toHaveLength(
    4,
  );
  expect((await program(["user", "create", "-h"])).stdout).toMatch(/^latchkey-idp user create\n/);
  const { code, stderr } = await program(["user", "rename"]);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^latchkey-idp: knows no command "user rename".*--help\n$/),
  ]);

  const versions = onPostgres ? /^schema version \d+, nothing to do\n$/ : /^schema version 0 → \d+\n$/;
  expect((await program(["migrate"])).stdout).toMatch(versions);
  expect((await program(["user", "create", "--username", "fay"], "x")).stderr).toContain(
    "start the server once",
  );
  const idp = await startIdp({ database, kickstart: seeded() });
  const password = secret("a long pass phrase of Fay's");
  const created = await program(
    ["user", "create", "--username", "fay", "--application", STORE_APP],
    `${password}\n`,
  );
  expect([created.code, created.stderr]).toEqual([0, ""]);
  expect((await signInAs(idp, "fay", password)).status).toBe(200);
});

test("a database that is not there is not made, and one in memory is somebody else's", async () => {
  const [{ id, secret: value } = { id: "", secret: "" }] = KEYS;
  const variables = { ISSUER: "http://localhost", KEYS: `${id}:${value}` };
  const missing = { ...variables, DATABASE: join(folder, "missing.sqlite") };
  expect((await runCommand(missing, ["keys", "list"])).err).toContain("does not exist");
  expect((await runCommand({ ...variables, DATABASE: ":memory:" }, ["keys", "list"])).err).toContain(
    "in memory",
  );
  expect((await runCommand(missing, ["keys", "list"])).err).toContain("does not exist");
});
