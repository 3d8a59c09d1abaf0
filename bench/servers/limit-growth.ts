// The limit for a page over a store of any size in SQLite: the same file, without our code. A session is looked up with the others of its turn of the
// event loop, who it is parsed, and how far all were extended written every 100 ms. WHERE: the file.
import { DatabaseSync } from "node:sqlite";
import fastify from "fastify";
import { sessionHash } from "../../packages/session/src/session-id.ts";
import { present } from "../candidate.ts";
import { page } from "../page.ts";
import { idle } from "../peers/people.ts";
import { application } from "../scenarios/growth/made.ts";

const cookie = "__Host-session=";

const database = new DatabaseSync(process.env["WHERE"] ?? "");
// As much as Latchkey keeps.
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536");
const select = database.prepare("SELECT user, expires_at FROM sessions WHERE hash = ?");
select.setReturnArrays(true);
const extend = database.prepare("UPDATE sessions SET expires_at = ? WHERE hash = ?");
const [begin, commit] = [database.prepare("BEGIN"), database.prepare("COMMIT")];

let extended = new Map<string, number>();
setInterval(() => {
  const written = extended;
  extended = new Map();
  begin.run();
  for (const [hash, expiresAt] of written) extend.run(expiresAt, hash);
  commit.run();
}, 100).unref();

interface Asked {
  readonly hash: string;
  readonly answer: (email: string | null) => void;
}
let asked: Asked[] = [];
const answerAll = () => {
  const answered = asked;
  asked = [];
  begin.run();
  const found = answered.map(({ hash }) => emailOf(hash));
  commit.run();
  for (const [index, { answer }] of answered.entries()) answer(found[index] ?? null);
};

function emailOf(hash: string): string | null {
  const now = Date.now();
  const row = select.get(hash) as unknown as [user: string, expiresAt: number] | undefined;
  if (row === undefined || row[1] <= now) return null;
  extended.set(hash, now + idle * 1_000);
  return (JSON.parse(row[0]) as { email: string }).email;
}

const app = fastify();
app.get("/page", async (request, reply) => {
  const { cookie: cookies = "" } = request.headers;
  const at = cookies.indexOf(cookie) + cookie.length;
  const hash = sessionHash(application, cookies.slice(at, at + 43));
  const email = await new Promise<string | null>((answer) => {
    if (asked.push({ hash, answer }) === 1) setImmediate(answerAll);
  });
  return email === null
    ? reply.redirect("/login")
    : reply.header("cache-control", "no-store").type("text/html; charset=utf-8").send(page(email));
});
const address = await app.listen({ port: 0, host: "127.0.0.1" });
present({ port: Number(new URL(address).port) });
