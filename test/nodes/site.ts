// The whole of docs/deployment.md on one machine, as processes: nginx with the configuration of docs/nginx.conf, three nodes of the Store
// on one Redis, two nodes of the provider on one Postgres, https in front of both.
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../free-ports.ts";
import { secret, unwatchedFetch } from "../leak-watch.ts";
import { type NginxServer, startNginx } from "../servers/nginx.ts";
import { startRedis } from "../servers/redis.ts";
import { newDatabase } from "../servers/running.ts";
import { type Certificate, makeCertificate } from "./certificate.ts";
import { nginxConfiguration } from "./nginx-configuration.ts";
import { node, type Node } from "./node.ts";

/** What the nodes are configured to, where a test wants it otherwise. */
export interface SiteOptions {
  /** More variables of the application nodes. */
  readonly store?: Readonly<Record<string, string>>;
}

/** Everything, running. */
export interface Site {
  /** Where browsers go. */
  readonly origin: string;
  readonly certificate: Certificate;
  readonly store: readonly Node[];
  readonly provider: readonly Node[];
  /** The provider's database, as an address. */
  readonly database: string;
  readonly cookieKey: { readonly id: string; readonly secret: string };
  /** Somebody with an account for the Store. */
  newcomer(): Promise<Person>;
  /** The lines of nginx's log so far: who was asked, and what came of it. */
  log(): LogLine[];
  close(): Promise<void>;
}

/** A user. */
export interface Person {
  readonly email: string;
  readonly password: string;
}

/** A request that nginx has answered. */
export interface LogLine {
  readonly request: string;
  readonly status: number;
  /** Each node that was asked, how much of the request it was sent, and its answer, in order. */
  readonly asked: readonly { readonly node: string; readonly bytes: number; readonly status: string }[];
}

const storeId = "10000000-0000-4000-8000-000000000001";
const random = () => secret(randomBytes(32).toString("base64url"));

/** Starts everything, in the order of the guide. */
export async function startSite({ store: variables = {} }: SiteOptions = {}): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-nodes-"));
  const [redirected = 0, tls = 0, ...ports] = await freePorts(7);
  const certificate = makeCertificate(folder);
  const [redis, database] = await Promise.all([startRedis(), newDatabase()]);
  const [origin, issuer] = [`https://localhost:${tls}`, `https://127.0.0.1:${tls}`];
  const apiKey = random();
  const cookieKey = { id: "2026a", secret: random() };
  const trusting = { NODE_EXTRA_CA_CERTS: certificate.path, DRAIN_SECONDS: "1" };
  const provided = {
    ...trusting,
    DATABASE_URL: database,
    ISSUER: issuer,
    KEYS: `2026a:${random()}`,
    TRUSTED_PROXIES: "loopback",
    KICKSTART: "start/demo.kickstart.json",
    API_KEY: apiKey,
    STORE_CLIENT_SECRET: random(),
    FORUM_CLIENT_SECRET: random(),
    LOG_LEVEL: "warn",
  };
  const keys = join(folder, "cookie-keys");
  writeFileSync(keys, `${cookieKey.id}:${cookieKey.secret}\n`);
  const data = join(folder, "data");
  mkdirSync(data);
  const consuming = {
    ...trusting,
    PARTS: "store",
    STORE_ORIGIN: origin,
    TRUST_PROXY: "loopback",
    SESSION_STORE: redis.url,
    COOKIE_KEYS_FILE: keys,
    IDP_URL: issuer,
    IDP_API_KEY: apiKey,
    DATA_DIR: data,
    LOG_LEVEL: "warn",
    ...variables,
  };
  const provider = ports.slice(0, 2).map((port) =>
    node({
      program: ["packages/idp/bin/latchkey-idp.js"],
      port,
      environment: { ...provided, PORT: String(port) },
    }),
  );
  const store = ports
    .slice(2)
    .map((port) =>
      node({ program: ["start.ts"], port, environment: { ...consuming, STORE_PORT: String(port) } }),
    );
  const log = join(folder, "nginx.log");
  const nginx = await startNginx(
    nginxConfiguration({ redirected, tls, store, provider, certificate, log }),
    tls,
  );
  const close = () => closeSite([...store, ...provider], nginx, [() => redis.remove()], folder);
  try {
    for (const each of [...provider, ...store]) each.start();
    await Promise.all([...provider, ...store].map((each) => each.ready()));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    origin,
    certificate,
    store,
    provider,
    database,
    cookieKey,
    newcomer: () => newcomer(provider[0]?.port ?? 0, apiKey),
    log: () => readFileSync(log, "utf8").split("\n").flatMap(logLine),
    close,
  };
}

const listed = (one: string) => `(${one}(?:, ${one})*)`;
const line = new RegExp(
  `^\\S+ \\[\\S+\\] "([^"]*)" (\\d+) ${listed("[^ ,]+")} ${listed("(?:\\d+|-)")} ${listed("(?:\\d{3}|-)")} [\\d.]+$`,
);

function logLine(text: string): LogLine[] {
  const found = line.exec(text);
  if (found === null) return [];
  const [, request = "", status, ...lists] = found;
  const [nodes = [], bytes = [], statuses = []] = lists.map((list) => list.split(", "));
  const asked = nodes.map((node, index) => ({
    node,
    bytes: Number(bytes[index]) || 0,
    status: statuses[index] ?? "",
  }));
  return [{ request, status: Number(status), asked }];
}

let people = 0;

async function newcomer(port: number, apiKey: string): Promise<Person> {
  const id = `20000000-0000-4000-8000-${String(++people + 1_000).padStart(12, "0")}`;
  const person = {
    email: `user-${people}@example.com`,
    password: secret(`a long password, number ${people}`),
  };
  const body = { user: person, registration: { applicationId: storeId } };
  const answer = await unwatchedFetch(`http://127.0.0.1:${port}/api/user/registration/${id}`, {
    method: "POST",
    headers: { authorization: apiKey, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status !== 200) throw new Error(`The provider answered ${answer.status} for a new user`);
  return person;
}

async function closeSite(
  nodes: readonly Node[],
  nginx: NginxServer,
  others: readonly (() => Promise<void>)[],
  folder: string,
): Promise<void> {
  for (const each of nodes) each.signal("SIGKILL");
  await Promise.all(nodes.map((each) => each.ended()));
  await nginx.remove();
  for (const remove of others) await remove();
  rmSync(folder, { recursive: true, force: true });
}
