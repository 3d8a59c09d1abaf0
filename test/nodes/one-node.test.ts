// One node as a process: it starts before what it needs, says how it is, needs a small key, is told to stop, shares store and folder.
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freePorts } from "../free-ports.ts";
import { secret } from "../leak-watch.ts";
import {
  answered,
  patient,
  ports,
  root,
  run,
  signInByHand,
  site,
  start,
  temporaryDirectory,
} from "../npm-start.ts";
import { newDatabase, sharedRedis } from "../servers/running.ts";

describe("a node whose provider is elsewhere", () => {
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
  test.each([
    ["Redis", async () => `${await sharedRedis()}/7`],
    ["Postgres", newDatabase],
  ])(
    "on one folder and one %s are one application: who is signed in on one, is on all",
    async (_, address) => {
      const [SESSION_STORE, first, second] = [await address(), await ports(), await ports()];
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
        SESSION_STORE,
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
    },
  );

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
