// `npm start` as a person meets it: what it prints, what it refuses and how it says so, that it stops when told to, and
// that a restart keeps everybody signed in.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { SentMail } from "../start/outbox.ts";
import { freePorts } from "./free-ports.ts";
import { printed, secret } from "./leak-watch.ts";
import { sharedRedis } from "./servers/running.ts";

const root = join(import.meta.dirname, "..");
const directories: string[] = [];
const processes: ChildProcess[] = [];

afterEach(() => {
  for (const each of processes.splice(0)) each.kill("SIGKILL");
});
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "latchkey-start-"));
  directories.push(directory);
  return directory;
}

const patient = { timeout: 10_000 };

/** What is printed on purpose; the leak watch gets the rest. */
const demoAccounts = [
  "ada@example.com    notes on the analytical engine",
  "grace@example.com  first actual case of bug found",
];

interface Run {
  readonly child: ChildProcess;
  /** Resolves with all output when the program says that it is ready, or when the process has ended. */
  readonly settled: Promise<string>;
  readonly ended: Promise<{ code: number | null; output: string }>;
  /** What it has printed so far. */
  output(): string;
}

function start(environment: Record<string, string>): Run {
  return run("start.ts", /^ready.*\n$/m, environment);
}

function run(program: string, ready: RegExp, environment: Record<string, string>, more: string[] = []): Run {
  const env = { PATH: process.env["PATH"] ?? "", ...environment };
  const args = ["--conditions=latchkey-source", program, ...more];
  const child = spawn(process.execPath, args, { cwd: root, env });
  processes.push(child);
  let output = "";
  const settled = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<{ code: number | null; output: string }>();
  const read = (chunk: Buffer) => {
    output += chunk.toString();
    if (ready.test(output)) settled.resolve(output);
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  child.on("close", (code) => {
    printed(demoAccounts.reduce((text, account) => text.replace(account, ""), output));
    settled.resolve(output);
    ended.resolve({ code, output });
  });
  return { child, settled: settled.promise, ended: ended.promise, output: () => output };
}

type Ports = Record<"STORE_PORT" | "FORUM_PORT" | "IDP_PORT" | "OUTBOX_PORT", string>;

async function ports(): Promise<Ports> {
  const [store, forum, idp, outbox] = (await freePorts(4)).map(String);
  return { STORE_PORT: store ?? "", FORUM_PORT: forum ?? "", IDP_PORT: idp ?? "", OUTBOX_PORT: outbox ?? "" };
}

describe("a value that can't be used stops it with one line that names the variable", () => {
  test("DATA_DIR that is a file, or holds broken secrets", async () => {
    const broken = temporaryDirectory();
    writeFileSync(join(broken, "secrets.json"), '{"idpKey": 1}');
    for (const DATA_DIR of [join(root, "package.json"), broken]) {
      const { code, output } = await start({ ...(await ports()), DATA_DIR }).ended;
      expect(code).toBe(1);
      expect(output).toMatch(/^DATA_DIR: [^\n]+\n$/);
    }
  });

  test("the process ends with 1 and prints that line alone", async () => {
    const { code, output } = await start({ POLICY: "relaxed", DATA_DIR: temporaryDirectory() }).ended;
    expect(code).toBe(1);
    expect(output).toBe('POLICY: "relaxed" is not one of hardened, as-described\n');
  });
});

describe("npm start", () => {
  test("prints addresses, accounts and lifetimes, and last a line that starts with ready; Ctrl-C ends it", async () => {
    const chosen = await ports();
    const DATA_DIR = temporaryDirectory();
    const { child, settled, ended } = start({ ...chosen, DATA_DIR, SESSION_IDLE: "20m" });
    const output = await settled;
    expect(output).toContain(`http://store.localhost:${chosen.STORE_PORT}`);
    expect(output).toContain(`http://forum.localhost:${chosen.FORUM_PORT}`);
    expect(output).toContain(`http://localhost:${chosen.IDP_PORT}`);
    expect(output).toContain(`http://outbox.localhost:${chosen.OUTBOX_PORT}`);
    for (const account of demoAccounts) expect(output).toContain(account);
    expect(output).toMatch(/session idle\s+since last use\s+20m/);
    expect(output).toMatch(/sign-in absolute\s+since authentication\s+30d remembered, 24h not/);
    expect(output.trimEnd().split("\n").at(-1)).toMatch(/^ready/);
    expect(statSync(join(DATA_DIR, "secrets.json")).mode & 0o777).toBe(0o600);

    child.kill("SIGINT");
    expect((await ended).code).toBe(0);
  });

  test("says in one line that a port is in use, and which variable to change", async () => {
    const { server, port } = await occupied();
    const { code, output } = await start({
      ...(await ports()),
      FORUM_PORT: port,
      DATA_DIR: temporaryDirectory(),
    }).ended;
    server.close();
    expect(code).toBe(1);
    expect(output).toBe(`FORUM_PORT: port ${port} is in use\n`);
  });

  test("shows what concerns a user in its outbox; the provider's webhooks reach both applications", async () => {
    const chosen = await ports();
    const { child, settled, ended } = start({ ...chosen, DATA_DIR: temporaryDirectory() });
    await settled;
    const [store, forum] = [site("store", chosen.STORE_PORT), site("forum", chosen.FORUM_PORT)];
    await signInByHand(store);
    await signInByHand(store);
    const subjects = async () => {
      const answer = await fetch(`http://127.0.0.1:${chosen.OUTBOX_PORT}/messages.json`);
      return ((await answer.json()) as SentMail[]).map(({ to, subject }) => `${to}: ${subject}`);
    };
    await expect.poll(subjects, patient).toEqual([expect.stringMatching(/^ada@example.com: .*new/)]);
    for (const { url } of [store, forum])
      expect((await fetch(`${url}/webhooks/identity-provider`, { method: "POST" })).status).toBe(401);
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });

  test("sends mail where SMTP_URL says, and has no outbox then", async () => {
    const received: string[] = [];
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      onData(stream, { envelope }, done) {
        const { mailFrom, rcptTo } = envelope;
        received.push(
          `${mailFrom ? mailFrom.address : ""} to ${rcptTo.map(({ address }) => address).join()}`,
        );
        stream.resume().once("end", () => done());
      },
    });
    const [port] = await freePorts(1);
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const chosen = await ports();
    const mail = { SMTP_URL: `smtp://127.0.0.1:${port}`, MAIL_FROM: "us@example.com" };
    const { child, settled, ended } = start({ ...chosen, ...mail, DATA_DIR: temporaryDirectory() });
    expect(await settled).not.toContain("Outbox");
    await expect(fetch(`http://127.0.0.1:${chosen.OUTBOX_PORT}/`)).rejects.toThrow("fetch failed");
    for (let device = 0; device < 2; device++) await signInByHand(site("store", chosen.STORE_PORT));
    await expect.poll(() => received, patient).toEqual(["us@example.com to ada@example.com"]);
    child.kill("SIGTERM");
    await ended;
    await new Promise<void>((resolve) => server.close(resolve));
  });

  test("behind a proxy that ends TLS, it knows itself by the names the proxy has, and sets cookies for https", async () => {
    const chosen = await ports();
    const STORE_ORIGIN = "https://shop.example.com";
    const { child, settled, ended } = start({ ...chosen, STORE_ORIGIN, DATA_DIR: temporaryDirectory() });
    expect(await settled).toContain(`Store              ${STORE_ORIGIN}\n`);
    const form = await fetch(`http://127.0.0.1:${chosen.STORE_PORT}/login`);
    expect(form.headers.getSetCookie().join()).toMatch(/^__Host-form=.+; Secure/);
    expect(form.headers.get("strict-transport-security")).toMatch(/^max-age=31536000/);
    child.kill("SIGTERM");
    await ended;
  });

  test("refuses to seed its demo accounts in production", async () => {
    const { code, output } = await start({
      ...(await ports()),
      NODE_ENV: "production",
      DATA_DIR: temporaryDirectory(),
    }).ended;
    expect(code).toBe(1);
    expect(output).toMatch(/^NODE_ENV: production [^\n]+\n$/);
  });

  test("a restart keeps everybody signed in", async () => {
    const environment = { ...(await ports()), DATA_DIR: temporaryDirectory() };
    const first = start(environment);
    await first.settled;
    const cart = site("store", environment.STORE_PORT);
    const cookies = await signInByHand(cart);
    first.child.kill("SIGTERM");
    expect((await first.ended).code).toBe(0);

    const second = start(environment);
    await second.settled;
    const page = await fetch(`${cart.url}/shopping-cart`, {
      headers: { host: cart.host, cookie: cookies },
      redirect: "manual",
    });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("Ada");
    second.child.kill("SIGTERM");
    await second.ended;
  });
});

describe("IDP_URL", () => {
  test("leads to a provider that runs elsewhere, where the same users sign in", async () => {
    const [port] = await freePorts(1);
    const provider = { PORT: String(port), DATABASE: join(temporaryDirectory(), "idp.sqlite") };
    const API_KEY = secret("an api key for this test alone, 32+");
    const idp = run("packages/idp/bin/latchkey-idp.js", /listening|http:/, {
      ...provider,
      KICKSTART: "start/demo.kickstart.json",
      API_KEY,
      STORE_CLIENT_SECRET: secret("a client secret for the store alone"),
      FORUM_CLIENT_SECRET: secret("a client secret for the forum alone"),
    });
    await idp.settled;

    const chosen = await ports();
    const IDP_URL = `http://localhost:${port}`;
    const system = start({ ...chosen, IDP_URL, IDP_API_KEY: API_KEY, DATA_DIR: temporaryDirectory() });
    expect(await system.settled).toContain(`Identity provider  ${IDP_URL}`);
    expect(await signInByHand(site("forum", chosen.FORUM_PORT))).toMatch(/session=.+refresh-token=/);
  });

  test("that does not answer is waited for: public pages are served, the node says that it is not ready, and then is", async () => {
    const [port] = await freePorts(1);
    const chosen = await ports();
    const variables = {
      IDP_URL: `http://localhost:${port}`,
      IDP_API_KEY: secret("an api key for this test alone, 32+"),
      DATA_DIR: temporaryDirectory(),
    };
    const system = start({ ...chosen, ...variables });
    await expect
      .poll(system.output, patient)
      .toContain(`waiting: IDP_URL: ${variables.IDP_URL} does not answer\n`);
    for (const site of [chosen.STORE_PORT, chosen.FORUM_PORT]) {
      expect(await answered(site, "/api/health")).toEqual([200, { status: "ok" }, "no-store", []]);
      expect(await answered(site, "/api/status")).toEqual([503, { ready: false }, "no-store", []]);
      expect((await fetch(`http://127.0.0.1:${site}/`)).status).toBe(200);
    }
    expect(system.output()).not.toContain("ready:");

    const idp = run("packages/idp/bin/latchkey-idp.js", /listens/, {
      PORT: String(port),
      DATABASE: join(temporaryDirectory(), "idp.sqlite"),
      KICKSTART: "start/demo.kickstart.json",
      API_KEY: variables.IDP_API_KEY,
      STORE_CLIENT_SECRET: secret("a client secret for the store alone"),
      FORUM_CLIENT_SECRET: secret("a client secret for the forum alone"),
    });
    await idp.settled;
    expect(await system.settled).toContain("ready:");
    for (const site of [chosen.STORE_PORT, chosen.FORUM_PORT])
      expect(await answered(site, "/api/status")).toEqual([
        200,
        { ready: true, store: "up", provider: "up" },
        "no-store",
        [],
      ]);
    expect(await signInByHand(site("forum", chosen.FORUM_PORT))).toMatch(/session=.+refresh-token=/);
  });

  test("where an operator has set the applications up, a node needs a key that may use them, and no more", async () => {
    const [port] = await freePorts(1);
    const keys = {
      all: secret("an api key that may set up, of this test"),
      few: secret("an api key that may only use, of this test"),
    };
    const secrets = {
      STORE_CLIENT_SECRET: secret("a client secret for the store alone"),
      FORUM_CLIENT_SECRET: secret("a client secret for the forum alone"),
    };
    const folder = temporaryDirectory();
    const kickstart = join(folder, "kickstart.json");
    writeFileSync(kickstart, JSON.stringify(withKeyForUse(keys.few)));
    const idp = run("packages/idp/bin/latchkey-idp.js", /listens/, {
      PORT: String(port),
      DATABASE: join(folder, "idp.sqlite"),
      KICKSTART: kickstart,
      API_KEY: keys.all,
      ...secrets,
    });
    await idp.settled;
    const chosen = await ports();
    const common = { ...chosen, IDP_URL: `http://localhost:${port}`, DATA_DIR: folder };

    const refused = start({ ...common, IDP_API_KEY: keys.few });
    await expect
      .poll(refused.output, patient)
      .toMatch(/^waiting: IDP_URL: \S+ answered 401 for application \S+; check IDP_API_KEY$/m);
    refused.child.kill("SIGTERM");
    await refused.ended;

    const setUp = run("start.ts", /^$/, { ...common, IDP_API_KEY: keys.all }, ["--set-up"]);
    expect(await setUp.ended).toEqual({ code: 0, output: "" });
    const files = Object.fromEntries(
      Object.entries({ ...secrets, IDP_API_KEY: keys.few }).map(([name, value]) => {
        writeFileSync(join(folder, name), `${value}\n`);
        return [`${name}_FILE`, join(folder, name)];
      }),
    );
    const system = start({ ...common, ...files });
    expect(await system.settled).toContain("ready:");
    expect(await signInByHand(site("store", chosen.STORE_PORT))).toMatch(/session=.+refresh-token=/);
  });
});

describe("told to stop", () => {
  test("it says so at once, serves on for DRAIN_SECONDS, and ends when what was under way is finished", async () => {
    const environment = { ...(await ports()), DATA_DIR: temporaryDirectory(), DRAIN_SECONDS: "1" };
    const { child, settled, ended } = start(environment);
    await settled;
    const home = `http://127.0.0.1:${environment.STORE_PORT}/`;
    const upload = slowForm(Number(environment.STORE_PORT));
    await upload.begun;
    child.kill("SIGTERM");
    await expect
      .poll(async () => (await answered(environment.STORE_PORT, "/api/status"))[0], patient)
      .toBe(503);
    const page = await fetch(home);
    expect([page.status, page.headers.get("connection")]).toEqual([200, "close"]);
    expect((await answered(environment.STORE_PORT, "/api/health"))[0]).toBe(200);

    // Who may ask again is sent to another node; who may not, is served.
    await expect.poll(async () => (await fetch(home)).status, { ...patient, interval: 20 }).toBe(502);
    const forged = await fetch(`${home}login`, {
      method: "POST",
      headers: { origin: "https://evil.example" },
    });
    expect(forged.status).toBe(403);
    await expect
      .poll(
        () =>
          fetch(home).then(
            () => "listens",
            () => "gone",
          ),
        { timeout: 5_000 },
      )
      .toBe("gone");
    upload.finish();
    expect(await upload.status).toBe(403);
    expect((await ended).code).toBe(0);
  });

  test("a second signal ends it at once", async () => {
    const environment = { ...(await ports()), DATA_DIR: temporaryDirectory(), DRAIN_SECONDS: "600" };
    const { child, settled, ended } = start(environment);
    await settled;
    child.kill("SIGTERM");
    await expect
      .poll(async () => (await answered(environment.STORE_PORT, "/api/status"))[0], patient)
      .toBe(503);
    child.kill("SIGTERM");
    expect((await ended).code).toBeNull();
  });
});

describe("several nodes", () => {
  test("on one folder and one store are one application: who is signed in on one, is on all", async () => {
    const [redis, first, second] = [await sharedRedis(), await ports(), await ports()];
    const folder = temporaryDirectory();
    const keys = secret(randomBytes(32).toString("base64url"));
    const [port] = await freePorts(1);
    const idp = run("packages/idp/bin/latchkey-idp.js", /listens/, {
      PORT: String(port),
      DATABASE: join(folder, "idp.sqlite"),
      KICKSTART: "start/demo.kickstart.json",
      API_KEY: secret("an api key for this test alone, 32+"),
      STORE_CLIENT_SECRET: secret("a client secret for the store alone"),
      FORUM_CLIENT_SECRET: secret("a client secret for the forum alone"),
    });
    await idp.settled;
    const common = {
      SESSION_STORE: `${redis}/7`,
      COOKIE_KEYS: `2026a:${keys}`,
      IDP_URL: `http://localhost:${port}`,
      IDP_API_KEY: "an api key for this test alone, 32+",
      STORE_ORIGIN: "https://shop.example.com",
      DATA_DIR: folder,
      PARTS: "store",
    };
    // At once, on a folder without secrets: one makes them, all have the same.
    const nodes = [start({ ...common, ...first }), start({ ...common, ...second })];
    for (const { settled } of nodes) {
      expect(await settled).toContain("ready:");
      expect(await settled).not.toContain("Forum");
    }
    const cookies = await signInByHand({
      host: "shop.example.com",
      url: `http://127.0.0.1:${first.STORE_PORT}`,
      origin: "https://shop.example.com",
    });
    for (const { STORE_PORT } of [first, second]) {
      const cart = await fetch(`http://127.0.0.1:${STORE_PORT}/shopping-cart`, {
        headers: { cookie: cookies },
        redirect: "manual",
      });
      expect(cart.status).toBe(200);
    }
    expect(readdirSync(folder).filter((name) => name.startsWith("secrets.json"))).toEqual(["secrets.json"]);
  });

  test.each([
    ["SESSION_STORE", { SESSION_STORE: "redis+sentinel://h:1" }],
    ["HOST", { HOST: "203.0.113.1" }],
    ["DATABASE_URL", { DATABASE_URL: "postgres://us:a-password-not-to-print@127.0.0.1:9/idp" }],
  ])(
    "%s that can't be used stops the start with one line",
    async (variable, others: Record<string, string>) => {
      const COOKIE_KEYS = `1:${randomBytes(32).toString("base64url")}`;
      const { code, output } = await start({
        ...(await ports()),
        COOKIE_KEYS,
        DATA_DIR: temporaryDirectory(),
        ...others,
      }).ended;
      expect(code).toBe(1);
      expect(output).toMatch(new RegExp(`^${variable}: [^\\n]+\\n$`));
      expect(output).not.toContain("a-password-not-to-print");
    },
  );
});

/** The demo's kickstart with one more key: for what an application does while it runs. */
function withKeyForUse(key: string): object {
  const endpoints = {
    "/api/login": ["POST"],
    "/api/jwt/refresh": ["GET", "DELETE"],
    "/api/user": ["GET"],
    "/api/user/change-password": ["POST"],
  };
  const kickstart = JSON.parse(readFileSync(join(root, "start/demo.kickstart.json"), "utf8")) as {
    apiKeys: object[];
  };
  return { ...kickstart, apiKeys: [...kickstart.apiKeys, { key, permissions: { endpoints } }] };
}

/** What a node says of itself: status, body, Cache-Control, and the cookies it sets. */
async function answered(port: string, path: string): Promise<[number, unknown, string | null, string[]]> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie: "session=x" } });
  const { status, headers } = answer;
  return [status, await answer.json(), headers.get("cache-control"), headers.getSetCookie()];
}

/** A form whose last byte is kept back. */
function slowForm(port: number): { begun: Promise<void>; finish(): void; status: Promise<number> } {
  const status = Promise.withResolvers<number>();
  const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": "3" };
  const outgoing = request({ host: "127.0.0.1", port, path: "/login", method: "POST", headers }, (answer) => {
    answer.resume();
    status.resolve(answer.statusCode ?? 0);
  });
  outgoing.on("error", status.reject);
  const begun = new Promise<void>((resolve) => outgoing.write("a=", () => resolve()));
  return { begun, finish: () => void outgoing.end("b"), status: status.promise };
}

async function occupied(): Promise<{ server: Server; port: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { server, port: String(typeof address === "object" ? address?.port : "") };
}

interface Site {
  readonly host: string;
  readonly url: string;
  /** Where browsers see it, if not at `host` without TLS. */
  readonly origin?: string;
}

/** Node resolves no names under localhost: it goes to the address, and names the host. */
function site(name: "store" | "forum", port: string): Site {
  return { host: `${name}.localhost:${port}`, url: `http://127.0.0.1:${port}` };
}

/** Signs Ada in without a browser: the form's token and cookie, then the posted form. Returns a Cookie header. */
async function signInByHand({ host, url, origin = `http://${host}` }: Site): Promise<string> {
  const form = await fetch(`${url}/login`, { headers: { host } });
  const token = /name="form-token"\s+value="([^"]+)"/.exec(await form.text())?.[1] ?? "";
  const body = new URLSearchParams({
    email: "ada@example.com",
    password: secret("notes on the analytical engine"),
    "form-token": token,
  });
  const headers = { host, origin, cookie: cookieHeader(form) };
  const answer = await fetch(`${url}/login`, { method: "POST", body, headers, redirect: "manual" });
  expect(answer.status).toBe(302);
  return cookieHeader(answer);
}

function cookieHeader(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}
