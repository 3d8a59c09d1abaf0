// Starts the real program, as an operator does: bin, environment, signals, and what it says on its two outputs.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { printed, secret } from "../../../test/leak-watch.ts";

const bin = join(import.meta.dirname, "../bin/latchkey-idp.js");
const keySecret = secret("a secret of this test of thirty-two bytes or more");
const apiKey = secret("an API key of this test, of more than 32 characters");
const issuer = "http://localhost:9011";

let folder: string;
const started = new Set<ChildProcess>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "latchkey-idp-"));
});

afterEach(() => {
  for (const child of started) child.kill("SIGKILL");
  started.clear();
  rmSync(folder, { recursive: true });
});

function start(environment: Record<string, string>, args: readonly string[] = []) {
  const env = { PATH: process.env["PATH"], PORT: "0", ISSUER: issuer, ...environment };
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.add(child);
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { child, exited };
}

/** Runs the program to its end. */
async function run(environment: Record<string, string>, args: readonly string[] = []) {
  const { child, exited } = start(environment, args);
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { stdout: printed(stdout), stderr: printed(stderr), code };
}

/** Runs the program until it says where it listens; fails with what it said instead. */
async function listening(environment: Record<string, string>) {
  const { child, exited } = start(environment);
  const stderr = text(child.stderr);
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(printed(line));
    const url = /listens on (http:\S+?),/.exec(line)?.[1];
    if (url === undefined) continue;
    const stop = (signal: NodeJS.Signals) => (child.kill(signal), exited);
    return { url, lines, stop, stderr };
  }
  throw new Error(`did not start: ${await stderr}`);
}

function kickstartFile(file: object): string {
  const path = join(folder, "kickstart.json");
  writeFileSync(path, JSON.stringify(file));
  return path;
}

function isBeingFilled(): boolean {
  const path = join(folder, "latchkey-idp.sqlite");
  if (!existsSync(path)) return false;
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db.prepare("SELECT 1 FROM users LIMIT 1").get() !== undefined;
  } catch {
    // Not even the tables are there yet.
    return false;
  } finally {
    db.close();
  }
}

const seeding = {
  variables: { key: "#{ENV.API_KEY}" },
  apiKeys: [{ key: "#{key}" }],
  requests: [
    {
      method: "POST",
      url: "/api/user",
      body: { user: { email: "monica@example.com", password: "#{ENV.PASSWORD}" } },
    },
  ],
};

describe("the program", () => {
  test("answers /api/health, keeps a development key in a file for its owner only, and closes on SIGTERM", async () => {
    const first = await listening({});
    expect((await fetch(`${first.url}/api/health`)).status).toBe(200);
    const keyFile = join(folder, "latchkey-idp.sqlite.key");
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(first.lines[0]).toMatch(/KEYS is not set.*latchkey-idp\.sqlite\.key, made now$/);
    const entry = readFileSync(keyFile, "utf8");
    secret(entry.trim().split(":")[1] ?? "");
    expect(await first.stop("SIGTERM")).toBe(0);
    expect(printed(await first.stderr)).toBe("");

    const second = await listening({});
    expect(second.lines[0]).toMatch(/latchkey-idp\.sqlite\.key$/);
    expect(readFileSync(keyFile, "utf8")).toBe(entry);
    expect(await second.stop("SIGINT")).toBe(0);
  });

  test("answers what is in flight at SIGTERM before it ends", async () => {
    const { url, stop } = await listening({ KEYS: `k1:${keySecret}` });
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    const head = ["POST /api/login HTTP/1.1", "Host: localhost", "Content-Type: application/json"];
    socket.write([...head, "Content-Length: 2", "Expect: 100-continue", "\r\n"].join("\r\n"));
    const [begun] = await once(socket, "data");
    expect(String(begun)).toContain("100 Continue");
    const exited = stop("SIGTERM");
    const accepts = () => fetch(`${url}/api/health`).then(Boolean, () => false);
    while (await accepts());
    socket.write("{}");
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(await exited).toBe(0);
  });

  test("takes keys from the environment or a file, and then makes none", async () => {
    const byVariable = await listening({ KEYS: `k1:${keySecret}` });
    expect(await byVariable.stop("SIGTERM")).toBe(0);
    const path = join(folder, "keys");
    writeFileSync(path, `k2:${keySecret} of another\nk1:${keySecret}\n`);
    const byFile = await listening({ KEYS_FILE: path, NODE_ENV: "production", DRAIN_SECONDS: "0" });
    expect(await byFile.stop("SIGTERM")).toBe(0);
    expect(existsSync(join(folder, "latchkey-idp.sqlite.key"))).toBe(false);
  });

  test("takes the database, the mail server and what a kickstart needs from files, without the line break at their end", async () => {
    const file = (name: string, content: string) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const password = secret("a long password of Monica's");
    const server = await listening({
      KEYS_FILE: file("keys", `k1:${keySecret}\n`),
      DATABASE_URL_FILE: file("database", "sqlite:named-by-a-file.sqlite\n"),
      SMTP_URL_FILE: file("smtp", "smtp://127.0.0.1:1\r\n"),
      MAIL_FROM: "accounts@store.example",
      API_KEY_FILE: file("api-key", `${apiKey}\n`),
      PASSWORD_FILE: file("password", `${password}\n`),
      // Other programs have such variables, too.
      SSL_CERT_FILE: "no-such-file",
      KICKSTART: kickstartFile(seeding),
    });
    const headers = { authorization: apiKey };
    expect((await fetch(`${server.url}/api/user?email=monica@example.com`, { headers })).status).toBe(200);
    expect(existsSync(join(folder, "named-by-a-file.sqlite"))).toBe(true);
    expect(await server.stop("SIGTERM")).toBe(0);
    const both = {
      KICKSTART: kickstartFile(seeding),
      API_KEY: apiKey,
      API_KEY_FILE: "api-key",
      PASSWORD: password,
    };
    const { code, stderr } = await run({ ...both, KEYS: `k1:${keySecret}` });
    expect([code, stderr]).toEqual([1, "latchkey-idp: API_KEY: must not be set besides API_KEY_FILE\n"]);
  });

  test("applies a kickstart file to an empty database, once", async () => {
    const environment = {
      KICKSTART: kickstartFile(seeding),
      KEYS: `k1:${keySecret}`,
      API_KEY: apiKey,
      PASSWORD: secret("a long password of Monica's"),
    };
    const userOf = async ({ url }: { url: string }) => {
      const headers = { authorization: apiKey };
      return fetch(`${url}/api/user?email=monica@example.com`, { headers }).then((answer) => answer.json());
    };
    const first = await listening(environment);
    const user = await userOf(first);
    expect(user).toMatchObject({ user: { email: "monica@example.com" } });
    await first.stop("SIGTERM");
    const second = await listening(environment);
    expect(await userOf(second)).toEqual(user);
    await second.stop("SIGTERM");
  });

  test("of four that start at once on an empty database one fills it, and all serve it", async () => {
    // Enough passwords to be hashed that the others start in the middle.
    const more = Array.from({ length: 30 }, (_, index) => ({
      method: "POST",
      url: "/api/user",
      body: { user: { username: `user${index}`, password: "#{ENV.PASSWORD}" } },
    }));
    const environment = {
      KICKSTART: kickstartFile({ ...seeding, requests: [...more, ...seeding.requests] }),
      KEYS: `k1:${keySecret}`,
      API_KEY: apiKey,
      PASSWORD: secret("a long password of Monica's"),
    };
    const two = () => [listening(environment), listening(environment)];
    const first = two();
    while (!isBeingFilled()) await nextTurn();
    const all = await Promise.all([...first, ...two()]);
    const headers = { authorization: apiKey };
    const users = await Promise.all(
      all.map(({ url }) => fetch(`${url}/api/user?email=monica@example.com`, { headers })),
    );
    expect(users.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const ids = await Promise.all(users.map(async (answer) => (await answer.json()).user.id));
    expect(new Set(ids).size).toBe(1);
    for (const { stop } of all) await stop("SIGTERM");
  });

  test("says in one line that its port is in use", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = String(typeof address === "object" ? address?.port : "");
    const { code, stderr } = await run({ PORT: port, KEYS: `k1:${keySecret}` });
    other.close();
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `latchkey-idp: PORT: ${port} is in use on 127.0.0.1\n`,
    });
  });

  test("prints its variables on --help and starts nothing", async () => {
    const { code, stdout } = await run({ PORT: "nonsense" }, ["--help"]);
    expect(code).toBe(0);
    const names = [
      "PORT",
      "HOST",
      "ISSUER",
      "DATABASE",
      "DATABASE_URL",
      "KEYS",
      "KEYS_FILE",
      "KICKSTART",
      "NODE_ENV",
    ];
    for (const name of [...names, "TRUSTED_PROXIES", "DRAIN_SECONDS"]) expect(stdout).toContain(`  ${name} `);
    expect(existsSync(join(folder, "latchkey-idp.sqlite"))).toBe(false);
  });

  test("knows no other argument", async () => {
    const { code, stderr } = await run({}, ["--port", "9011"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^latchkey-idp: .*--help.*\n$/);
  });
});

describe("a bad variable stops the start in one line that names it, and leaves nothing behind", () => {
  const keys = { KEYS: `k1:${keySecret}` };
  const production = { NODE_ENV: "production", ...keys };

  async function expectRefusal(environment: Record<string, string>, name: string): Promise<string> {
    const { code, stdout, stderr } = await run(environment);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^latchkey-idp: ${name}: .*\\n$`));
    expect(existsSync(join(folder, "latchkey-idp.sqlite"))).toBe(false);
    return stderr;
  }

  test.each<[string, Record<string, string>]>([
    ["PORT", { PORT: "http" }],
    ["PORT", { PORT: "65536" }],
    ["ISSUER", { ISSUER: "localhost", ...keys }],
    ["ISSUER", { ISSUER: "", ...keys }],
    ["KEYS", { KEYS: keySecret }],
    ["KEYS", { KEYS: "k1:short" }],
    ["KEYS", { KEYS: `k 1:${keySecret}` }],
    ["KEYS", { KEYS: `k1:${keySecret},k1:${keySecret}` }],
    ["KEYS", { KEYS: `k1:${keySecret}`, KEYS_FILE: "/dev/null" }],
    ["KEYS_FILE", { KEYS_FILE: "no-such-file" }],
    ["KEYS_FILE", { KEYS_FILE: "/dev/null" }],
    ["NODE_ENV", { NODE_ENV: "prod", ...keys }],
    ["DRAIN_SECONDS", { DRAIN_SECONDS: "soon", ...keys }],
    ["TRUSTED_PROXIES", { TRUSTED_PROXIES: "10.0.0.0/33", ...keys }],
    ["DATABASE", { DATABASE: "idp.sqlite", DATABASE_URL: "sqlite:idp.sqlite", ...keys }],
    ["DATABASE_URL", { DATABASE_URL: "mysql://a:a-password-of-a-database@b/c", ...keys }],
    ["DATABASE_URL", { DATABASE_URL: "postgres://a:a-password-of-a-database@127.0.0.1:1/c", ...keys }],
    ["DATABASE_URL_FILE", { DATABASE_URL_FILE: "no-such-file", ...keys }],
    ["DATABASE_URL", { DATABASE_URL: "sqlite:a", DATABASE_URL_FILE: "/dev/null", ...keys }],
    ["KEYS", { DATABASE_URL: "postgres://127.0.0.1:1/c" }],
    ["SMTP_URL_FILE", { SMTP_URL_FILE: "no-such-file", MAIL_FROM: "accounts@store.example", ...keys }],
    ["SIGNING_ALGORITHM", { SIGNING_ALGORITHM: "HS256", ...keys }],
    ["KICKSTART", { KICKSTART: "no-such-file", ...keys }],
    ["MAIL_FROM", { SMTP_URL: "smtp://127.0.0.1", ...keys }],
    ["MAIL_FROM", { SMTP_URL: "smtp://127.0.0.1", MAIL_FROM: "accounts", ...keys }],
    ["SMTP_URL", { MAIL_FROM: "accounts@store.example", ...keys }],
    ["SMTP_URL", { SMTP_URL: `http://a:${keySecret}@b`, MAIL_FROM: "accounts@store.example", ...keys }],
    ["WEBHOOKS_PLAIN_HTTP_TO", { WEBHOOKS_PLAIN_HTTP_TO: "http://store", ...keys }],
    ["DATABASE", { DATABASE: "no-such-folder/idp.sqlite" }],
    ["KEYS", { NODE_ENV: "production" }],
    ["ISSUER", { ...production, ISSUER: "" }],
    ["KEYS", { ...production, KEYS: `k1:sample-${keySecret}` }],
  ])("%s: %o", async (name, environment) => {
    await expectRefusal(environment, name);
  });

  test("a database that is none, or that other keys sealed", async () => {
    const DATABASE = join(folder, "idp.sqlite");
    writeFileSync(DATABASE, "not a database, though long enough to be read as the head of one".repeat(20));
    await expectRefusal({ DATABASE, ...keys }, "DATABASE");
    rmSync(DATABASE);
    const { stop } = await listening({ DATABASE, ...keys });
    await stop("SIGTERM");
    await expectRefusal({ DATABASE, KEYS: `k2:another ${keySecret}` }, "KEYS");
    await expectRefusal({ DATABASE: join(folder, "nowhere/idp.sqlite"), ...keys }, "DATABASE");
  });

  test("a host that is not this machine's", async () => {
    const { code, stderr } = await run({ HOST: "192.0.2.1", DATABASE: ":memory:", ...keys });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^latchkey-idp: HOST: cannot listen on 192\.0\.2\.1 \(\w+\)\n$/);
  });

  test("a kickstart file that is no JSON is not quoted", async () => {
    const KICKSTART = join(folder, "kickstart.json");
    writeFileSync(KICKSTART, `{"apiKeys": [{"key": "${apiKey}"}]`);
    expect(await expectRefusal({ KICKSTART, ...keys }, "KICKSTART")).toContain("is not JSON");
  });

  test("a kickstart file with an unset environment variable names that one too", async () => {
    const KICKSTART = kickstartFile(seeding);
    expect(await expectRefusal({ KICKSTART, ...keys }, "KICKSTART")).toContain("API_KEY");
  });

  test("production refuses a kickstart file with a sample key, or with a user's password", async () => {
    const PASSWORD = secret("a long password of Monica's");
    const KICKSTART = kickstartFile(seeding);
    const seeded = { ...production, KICKSTART, PASSWORD };
    expect(await expectRefusal({ ...seeded, API_KEY: "sample-key" }, "KICKSTART")).toContain("sample");
    expect(await expectRefusal({ ...seeded, API_KEY: apiKey }, "KICKSTART")).toContain("requests[0]");
  });

  test("a kickstart request that the provider refuses is told by number, and retried at the next start", async () => {
    const requests = [{ method: "POST", url: "/api/user", body: { user: {} } }];
    const refused = { KICKSTART: kickstartFile({ apiKeys: [{ key: apiKey }], requests }), ...keys };
    const { code, stderr } = await run(refused);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^latchkey-idp: KICKSTART: .*request 1, POST \/api\/user, .*400.*\n$/);
    const PASSWORD = secret("a long password of Monica's");
    const mended = { KICKSTART: kickstartFile(seeding), API_KEY: apiKey, PASSWORD };
    const { url, stop } = await listening({ ...mended, ...keys });
    const headers = { authorization: apiKey };
    expect((await fetch(`${url}/api/user?email=monica@example.com`, { headers })).status).toBe(200);
    await stop("SIGTERM");
  });
});
