// `npm start` as a person meets it: what it prints, what it refuses and how it says so, that it stops when told to, and
// that a restart keeps everybody signed in.
import { statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { describe, expect, test } from "vitest";
import type { SentMail } from "../start/outbox.ts";
import { freePorts } from "./free-ports.ts";
import {
  demoAccounts,
  patient,
  ports,
  root,
  run,
  signInByHand,
  site,
  start,
  temporaryDirectory,
} from "./npm-start.ts";
import { secret } from "./leak-watch.ts";

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
});

async function occupied(): Promise<{ server: Server; port: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { server, port: String(typeof address === "object" ? address?.port : "") };
}
