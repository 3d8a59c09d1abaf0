// The limit for a renewal, beside the provider's refresh: the pair is opened, its token exchanged, the access token verified, the new session on
// the disk, the new pair sealed, and the page sent. No sign-in record, no reuse found here, no tabs at once, no endings that are final: what is left
// when everything of ours is taken away.
import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  createSecretKey,
  hash,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  verify,
} from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import formbody from "@fastify/formbody";
import fastify from "fastify";
import { page } from "../page.ts";
import type { Browser } from "../lanes/renewal.ts";
import { commitsOf } from "./limit-commits.ts";

/** What the provider has given. */
export interface Tokens {
  readonly refreshToken: string;
  readonly accessToken: string;
}

/** How it works and where it listens. */
export interface LimitRenewal {
  readonly port: number;
  readonly folder: string;
  /** The provider's published key. */
  readonly key: JsonWebKey;
  /** The provider's refresh. */
  readonly refreshed: (refreshToken: string) => Promise<Tokens>;
}

const name = "Person 0";

/** Listens, and makes a browser of each refresh token it is given. */
export async function startLimitRenewal({ port, folder, key, refreshed }: LimitRenewal) {
  const database = new DatabaseSync(join(folder, "limit.sqlite"));
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE sessions (id TEXT PRIMARY KEY, name TEXT, expires_at INTEGER) WITHOUT ROWID",
  );
  const insert = database.prepare("INSERT INTO sessions VALUES (?, ?, ?)");
  const remove = database.prepare("DELETE FROM sessions WHERE id = ?");
  const committed = commitsOf(database);
  const publicKey = createPublicKey({ key, format: "jwk" });
  const sealing = createSecretKey(randomBytes(32));

  const isSigned = (token: string) => {
    const at = token.lastIndexOf(".");
    const signature = inDer(Buffer.from(token.slice(at + 1), "base64url"));
    const claims = Buffer.from(token.slice(token.indexOf(".") + 1, at), "base64url").toString();
    const { exp } = JSON.parse(claims) as { exp: number };
    const signed = Buffer.from(token.slice(0, at));
    return exp > 0 && verify("sha256", signed, publicKey, signature);
  };
  const pairOf = (refreshToken: string) => {
    const session = randomBytes(32).toString("base64url");
    return { session, sealed: seal(sealing, `${session} ${refreshToken}`) };
  };

  const app = fastify();
  await app.register(formbody);
  app.get("/page", async (request, reply) => {
    const [, session = "", sealed = ""] =
      /session=([^;]*); refresh-token=([^;]*)/.exec(request.headers.cookie ?? "") ?? [];
    const [bound, token = ""] = opened(sealing, sealed).split(" ");
    if (bound !== session) return reply.redirect("/login");
    const { refreshToken, accessToken } = await refreshed(token);
    if (!isSigned(accessToken)) return reply.redirect("/login");
    const pair = pairOf(refreshToken);
    await committed(() => {
      insert.run(hash("sha256", pair.session, "base64url"), name, Date.now());
      remove.run(hash("sha256", session, "base64url"));
    });
    reply.header("set-cookie", [
      `session=${pair.session}; HttpOnly`,
      `refresh-token=${pair.sealed}; HttpOnly`,
    ]);
    return reply.header("cache-control", "no-store").type("text/html; charset=utf-8").send(page(name));
  });
  await app.listen({ port, host: "127.0.0.1" });

  return (refreshToken: string): Browser => {
    const { session, sealed } = pairOf(refreshToken);
    return { name, cookie: `session=${session}; refresh-token=${sealed}` };
  };
}

/** r ‖ s as OpenSSL reads them (RFC 3279 §2.2.3): what else `node:crypto` would do, for twice the time. */
function inDer(signature: Buffer): Buffer {
  const parts = [signature.subarray(0, 32), signature.subarray(32)].flatMap((half) => {
    const first = half.findIndex((byte) => byte !== 0);
    const bytes = half.subarray(first);
    const isHigh = (bytes[0] ?? 0) >= 0x80;
    return [Buffer.from(isHigh ? [2, bytes.length + 1, 0] : [2, bytes.length]), bytes];
  });
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

function seal(key: KeyObject, text: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const sealed = [nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString("base64url");
}

function opened(key: KeyObject, sealed: string): string {
  const bytes = Buffer.from(sealed, "base64url");
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString("utf8");
}
