// The limit for a durable refresh: a form arrives, its client's secret and its token are checked, the token is replaced, an access token is
// signed, and all of it is on the disk before the answer. No users, tenants, limits, grace or events, one key: what is left when everything of ours
// is taken away, but for the form of a signature. Reads wait for no commit; what a turn of the event loop writes is one commit, as in Latchkey's.
import { generateKeyPairSync, hash, randomBytes, sign, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { joseSignature } from "../../packages/idp/src/jose-signature.ts";
import { freePorts } from "../../test/free-ports.ts";
import { present } from "../candidate.ts";
import type { Family } from "../lanes/token.ts";
import { commitsOf } from "./limit-commits.ts";
import { folder } from "./folder.ts";
import { bodyOf } from "./limit-body.ts";

const database = new DatabaseSync(join(folder, "refresh.sqlite"));
database.exec(
  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE families (id TEXT PRIMARY KEY, newest TEXT) WITHOUT ROWID",
);
const insert = database.prepare("INSERT INTO families VALUES (?, ?)");
const select = database.prepare("SELECT newest FROM families WHERE id = ?");
select.setReturnArrays(true);
const rotate = database.prepare("UPDATE families SET newest = ? WHERE id = ? AND newest = ?");
const end = database.prepare("DELETE FROM families WHERE id = ?");

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const header = encoded({ alg: "ES256", typ: "JWT", kid: "1" });
const authorization = `Basic ${Buffer.from(`store:${random()}`).toString("base64")}`;

const committed = commitsOf(database);

/** The next token and an access token; `null` for a token that is none, or was used. */
async function refreshed(presented: string): Promise<{ token: string; accessToken: string } | null> {
  const [id = "", secret = ""] = presented.split(".");
  const newest = hash("sha256", secret, "base64url");
  const family = select.get(id) as unknown as [newest: string] | undefined;
  if (family === undefined) return null;
  if (family[0] !== newest) {
    await committed(() => end.run(id));
    return null;
  }
  const next = random();
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: "http://localhost", sub: id, iat: now, exp: now + 3_600, jti: random() };
  const signed = `${header}.${encoded(claims)}`;
  const signature = joseSignature(sign("sha256", Buffer.from(signed), privateKey), 32);
  await committed(() => rotate.run(hash("sha256", next, "base64url"), id, newest));
  return { token: `${id}.${next}`, accessToken: `${signed}.${signature.toString("base64url")}` };
}

const [port = 0] = await freePorts(1);
const server = createServer((request, response) => {
  void (async () => {
    if (request.method === "GET")
      return response.end(
        JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), alg: "ES256", kid: "1" }] }),
      );
    const given = hash("sha256", request.headers.authorization ?? "", "buffer");
    const isClient = timingSafeEqual(given, hash("sha256", authorization, "buffer"));
    const form = new URLSearchParams(await bodyOf(request));
    const result = isClient ? await refreshed(form.get("refresh_token") ?? "") : null;
    if (result === null) return response.writeHead(400).end('{"error":"invalid_grant"}');
    response.setHeader("content-type", "application/json");
    return response.end(
      JSON.stringify({ access_token: result.accessToken, refresh_token: result.token, expires_in: 3_600 }),
    );
  })();
}).listen(port, "127.0.0.1");
await once(server, "listening");

present({
  port,
  versions: { node: process.versions.node },
  answers: {
    families: (argument) => {
      const { count } = argument as { count: number };
      return Array.from({ length: count }, (): Family => {
        const [id, secret] = [random(), random()];
        insert.run(id, hash("sha256", secret, "base64url"));
        return { path: "/oauth2/token", authorization, token: `${id}.${secret}`, accessToken: null };
      });
    },
  },
});

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function random(): string {
  return randomBytes(32).toString("base64url");
}
