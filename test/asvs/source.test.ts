// What only the source can show: which cryptography is used, and by whose hand. It reads the files that ship and the packages
// they may import; what the code does is for the other tests.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const shipped = ["packages/*/src/**/*.ts", "apps/*/src/**/*.ts", "start/*.ts", "start.ts"];
const files = shipped
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .sort()
  .map((file) => ({ file, code: withoutComments(readFileSync(join(root, file), "utf8")) }));

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}

/** Every match in the shipped files, as "file: match". */
function found(pattern: RegExp): string[] {
  return files.flatMap(({ file, code }) => [...code.matchAll(pattern)].map(([match]) => `${file}: ${match}`));
}

/** What the first group of a pattern matches, each once. */
function used(pattern: RegExp): string[] {
  return [
    ...new Set(files.flatMap(({ code }) => [...code.matchAll(pattern)].map(([, name = ""]) => name))),
  ].sort();
}

test("there is source to look at", () => {
  expect(files.length).toBeGreaterThan(100);
  expect(found(/\bcreateHmac\(/g).length).toBeGreaterThan(2);
});

describe("cryptography", () => {
  test("comes from node:crypto, jose and @node-rs/argon2 alone: none of our own, none of a fourth party (ASVS 11.2.1)", () => {
    const packages = used(/\bfrom "([^".][^"]*)"/g);
    const others = packages.filter((name) => !name.startsWith("node:") && !isOfNoInterest.includes(name));
    const names = others.map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0]);
    expect([...new Set(names)]).toEqual(["@node-rs/argon2", "jose"]);
    expect(found(/\bfrom "node:crypto"/g).length).toBeGreaterThan(10);
    expect(found(/\b(subtle|webcrypto)\b/g)).toEqual([]);
  });

  test("encrypts with AES-256-GCM alone: no other cipher, no other mode (ASVS 11.3.1, 11.3.2, 11.3.3)", () => {
    expect(used(/\bcreate(?:C|Dec)ipheriv\(\s*([^,]+),/g)).toEqual(['"aes-256-gcm"']);
    expect(found(/\b(createCipher|createDecipher|publicEncrypt|privateEncrypt|privateDecrypt)\(/g)).toEqual(
      [],
    );
    // Whoever decrypts asks for the tag; a tag may not be shortened.
    for (const { code } of files.filter(({ code }) => code.includes("createDecipheriv(")))
      expect(code).toContain(".setAuthTag(");
  });

  test("hashes with SHA-256; MD5 is there to check imported passwords, SHA-1 because Redis names scripts by it (ASVS 11.4.1, 11.4.3)", () => {
    const algorithms = /\b(?:createHash|createHmac|hash|hkdfSync|digestOf)\(\s*"([^"]+)"/g;
    expect(used(algorithms)).toEqual(["sha1", "sha256"]);
    const weak = found(/"(?:md4|md5|sha1|sha-1|ripemd\w*)"/gi);
    expect(weak.sort()).toEqual([
      'packages/idp/src/imported-password.ts: "md5"',
      'packages/session/src/store/redis-scripts.ts: "sha1"',
    ]);
  });

  test("signs with ECDSA and EdDSA unless RSA is asked for by name (ASVS 11.6.1)", () => {
    expect(used(/\bgenerateKeyPairSync\(\s*"([^"]+)"/g)).toEqual(["ec", "ed25519", "rsa"]);
    expect(used(/namedCurve: "([^"]+)"/g)).toEqual(["P-256"]);
    expect(used(/signingAlgorithm:[^=\n]*\?\? "([^"]+)"|signingAlgorithm = "([^"]+)"/g)).not.toContain(
      "RS256",
    );
  });

  test("draws every secret from the system's generator: no Math.random, no UUID for one (ASVS 11.5.1)", () => {
    expect(found(/Math\.random/g)).toEqual([]);
    // UUIDs name things: records, tokens' `jti`. The kickstart's "UUID()" is FusionAuth's, and names things there.
    const uuids = found(/\brandomUUID\b/g).map((each) => each.split(":")[0]);
    expect([...new Set(uuids)]).toEqual(["packages/idp/src/config.ts", "packages/idp/src/kickstart.ts"]);
  });

  test("compares secrets in constant time, or looks up their hash (ASVS 11.2.4)", () => {
    expect(found(/\.equals\(|Buffer\.compare\(|\blocaleCompare\(/g)).toEqual([]);
    const comparisons = found(/^.*(?:===|!==)(?! (?:null|undefined|"|')).*$/gm);
    expect(comparisons.filter((line) => /\.digest\(|createHmac\(|mac\(/.test(line))).toEqual([]);
    const comparing = files.filter(({ code }) => code.includes("timingSafeEqual(")).map(({ file }) => file);
    expect(comparing).toEqual(
      expect.arrayContaining([
        "packages/idp/src/imported-password.ts",
        "packages/idp/src/refresh-token.ts",
        "packages/idp/src/sealing.ts",
        "packages/session/src/form-token.ts",
      ]),
    );
  });
});

test("no certificate goes unchecked (CWE-295)", () => {
  expect(
    found(/rejectUnauthorized|NODE_TLS_REJECT_UNAUTHORIZED|insecureHTTPParser|checkServerIdentity/g),
  ).toEqual([]);
});

/** Packages that do no cryptography of ours: frameworks, templates, mail, and what belongs to this project. */
const isOfNoInterest = [
  "@latchkey/idp/pino",
  "@latchkey/idp/prometheus",
  "@latchkey/session/pino",
  "@latchkey/session/prometheus",
  "@opentelemetry/api",
  "ioredis",
  "pg",
  "pino",
  "prom-client",

  "@fastify/formbody",
  "@hono/node-server",
  "@latchkey/idp",
  "@latchkey/session",
  "@latchkey/session/express",
  "@latchkey/session/fastify",
  "eta",
  "express",
  "fastify",
  "forum",
  "hono",
  "nodemailer",
  "store",
  "zod",
];
