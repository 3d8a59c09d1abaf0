// The limit for signing in: a form arrives, its password is checked, who has signed in is on the disk, a cookie is set. No
// throttle, no forgery guard, no tokens, no provider: what is left when everything of ours is taken away. As at the provider 64 wait for their hash; the
// next is told 503.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { hash, verify } from "@node-rs/argon2";
import { freePorts } from "../../test/free-ports.ts";
import { present } from "../candidate.ts";
import { password } from "./provider.ts";
import { folder } from "./folder.ts";
import { bodyOf } from "./limit-body.ts";

const database = new DatabaseSync(join(folder, "sessions.sqlite"));
database.exec(
  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE sessions (id TEXT PRIMARY KEY, login TEXT)",
);
const insert = database.prepare("INSERT INTO sessions VALUES (?, ?)");
const stored = await hash(password, {
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
  salt: randomBytes(16),
});

const mostWaiting = 64;
const waiting: (() => void)[] = [];
let running = 0;

/** As many at once as there are cores, as at the provider. */
async function isRight(presented: string): Promise<boolean> {
  if (running === availableParallelism()) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await verify(stored, presented);
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

const [port = 0] = await freePorts(1);
createServer((request, response) => {
  void (async () => {
    const form = new URLSearchParams(await bodyOf(request));
    if (waiting.length === mostWaiting) return response.writeHead(503).end();
    if (!(await isRight(form.get("password") ?? ""))) return response.writeHead(401).end();
    const id = randomBytes(32).toString("base64url");
    insert.run(id, form.get("loginId"));
    return response.writeHead(302, { location: "/", "set-cookie": `session=${id}; HttpOnly` }).end();
  })();
}).listen(port, "127.0.0.1");

present({ port, versions: { node: process.versions.node } });
