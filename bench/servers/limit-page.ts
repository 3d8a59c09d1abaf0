// The limit for a page with a session: its id read from the cookie, hashed, looked up and extended, and who it is parsed. No forgery guard, no
// limits but one, no renewal, nothing checked, told or noticed: what is left when everything of ours is taken away. What makes Latchkey quick is here,
// too: one write a turn of the event loop to Redis, on SQLite the look-ups of a turn together at its end, rows as arrays.
// FRAMEWORK: fastify, express. SESSION_STORE: redis (REDIS_URL), sqlite, nothing (a middleware that calls the next, and no session). SIGN_INS.
import { hash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import formbody from "@fastify/formbody";
import express from "express";
import fastify, { type FastifyReply } from "fastify";
import { Redis } from "ioredis";
import { freePorts } from "../../test/free-ports.ts";
import { present } from "../candidate.ts";
import { page } from "../page.ts";
import { idle as idleSeconds, person, type Person } from "../peers/people.ts";
import { folder } from "./folder.ts";

const { FRAMEWORK = "fastify", SESSION_STORE = "sqlite", SIGN_INS = "100", REDIS_URL = "" } = process.env;
const html = "text/html; charset=utf-8";
const idle = idleSeconds * 1_000;
/** What Latchkey's cookies come to beside the session id, so that both send requests of one length. */
const asLongAs = "x".repeat(600);

/** Sessions somewhere, by the hash of their id. */
interface Kept {
  /** Who it is, and the session extended; `null` for nobody. */
  find(id: string): Promise<Person | null> | Person | null;
  insert(id: string, person: Person): unknown;
  expiryOf(id: string): Promise<number | null> | number | null;
}

const kept = SESSION_STORE === "redis" ? inRedis() : inSqlite();
const browsers = Array.from({ length: SESSION_STORE === "nothing" ? 0 : Number(SIGN_INS) }, (_, index) => {
  const id = hash("sha256", `${index} ${Math.PI}`, "base64url");
  return { id, name: person(index).fullName, cookie: `session=${id}; refresh-token=${asLongAs}` };
});
for (const [index, { id }] of browsers.entries())
  await kept.insert(hash("sha256", id, "base64url"), person(index));

const [port = 0] = await freePorts(1);
if (SESSION_STORE === "nothing") await startNothing(port);
else await (FRAMEWORK === "express" ? startExpress : startFastify)(port);

present({
  port,
  cookies: browsers.map(({ cookie }) => cookie),
  names: browsers.map(({ name }) => name),
  answers: {
    expiryOf: (index) => kept.expiryOf(hash("sha256", browsers[Number(index)]?.id ?? "", "base64url")),
  },
});

function visitorOf(cookie = ""): Promise<Person | null> | Person | null {
  const at = cookie.indexOf("session=") + "session=".length;
  return kept.find(hash("sha256", cookie.slice(at, at + 43), "base64url"));
}

function inRedis(): Kept {
  const redis = new Redis(REDIS_URL);
  let isHeld = false;
  const release = () => {
    isHeld = false;
    redis.stream.uncork();
  };
  const hold = () => {
    if (isHeld) return;
    isHeld = true;
    redis.stream.cork();
    setImmediate(release);
  };
  return {
    async find(id) {
      if (redis.status === "ready") hold();
      const found = await redis.getex(`limit:${id}`, "PX", idle);
      return found === null ? null : (JSON.parse(found) as Person);
    },
    insert: (id, person) => redis.set(`limit:${id}`, JSON.stringify(person), "PX", idle),
    expiryOf: (id) => redis.pexpiretime(`limit:${id}`),
  };
}

/** Who it is is read each time; how far sessions were extended is written every 100 ms, in one transaction, as Latchkey does. */
function inSqlite(): Kept {
  const database = new DatabaseSync(join(folder, "sessions.sqlite"));
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE sessions (id TEXT PRIMARY KEY, person TEXT, expires_at INTEGER) WITHOUT ROWID",
  );
  const insert = database.prepare("INSERT INTO sessions VALUES (?, ?, ?)");
  const select = database.prepare("SELECT person, expires_at FROM sessions WHERE id = ?");
  select.setReturnArrays(true);
  const extend = database.prepare("UPDATE sessions SET expires_at = ? WHERE id = ?");
  const [begin, commit] = [database.prepare("BEGIN"), database.prepare("COMMIT")];
  const found = (id: string) => select.get(id) as unknown as [person: string, expiresAt: number] | undefined;
  let asked: { id: string; answer: (found: Person | null) => void }[] = [];
  const answerAll = () => {
    const answered = asked;
    asked = [];
    begin.run();
    for (const { id, answer } of answered) answer(visitor(id));
    commit.run();
  };
  const extended = new Map<string, number>();
  setInterval(() => {
    database.exec("BEGIN");
    for (const [id, expiresAt] of extended) extend.run(expiresAt, id);
    database.exec("COMMIT");
    extended.clear();
  }, 100).unref();
  const expiresAtOf = (id: string, expiresAt: number) => extended.get(id) ?? expiresAt;
  const visitor = (id: string) => {
    const row = found(id);
    const now = Date.now();
    if (row === undefined || expiresAtOf(id, row[1]) <= now) return null;
    extended.set(id, now + idle);
    return JSON.parse(row[0]) as Person;
  };
  return {
    find: (id) =>
      new Promise((answer) => {
        if (asked.push({ id, answer }) === 1) setImmediate(answerAll);
      }),
    insert: (id, person) => insert.run(id, JSON.stringify(person), Date.now() + idle),
    expiryOf(id) {
      const row = found(id);
      return row === undefined ? null : expiresAtOf(id, row[1]);
    },
  };
}

async function startFastify(port: number): Promise<void> {
  const app = fastify();
  await app.register(formbody);
  const answer = (reply: FastifyReply, visitor: Person | null) =>
    visitor === null
      ? reply.redirect("/login")
      : reply.header("cache-control", "no-store").type(html).send(page(visitor.fullName));
  app.get("/page", (request, reply) => {
    const visitor = visitorOf(request.headers.cookie);
    if (!(visitor instanceof Promise)) answer(reply, visitor);
    else
      visitor.then(
        (found) => answer(reply, found),
        (error: unknown) => reply.send(error),
      );
  });
  await app.listen({ port, host: "127.0.0.1" });
}

async function startExpress(port: number): Promise<void> {
  const app = express();
  app.use(express.urlencoded({ extended: false }));
  app.get("/page", async (request, response) => {
    const visitor = await visitorOf(request.headers.cookie);
    if (visitor === null) response.redirect("/login");
    else response.setHeader("cache-control", "no-store").type(html).send(page(visitor.fullName));
  });
  await once(app.listen(port, "127.0.0.1"), "listening");
}

/** A stranger's page on Express, behind one middleware that does nothing. */
async function startNothing(port: number): Promise<void> {
  const app = express();
  app.use(express.urlencoded({ extended: false }), (_request, _response, next) => next());
  app.get("/public", (_request, response) => void response.type(html).send(page("nobody")));
  await once(app.listen(port, "127.0.0.1"), "listening");
}
