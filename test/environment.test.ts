// The variables of `npm start`: each is read, or refused with one line that names it.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../start/environment.ts";
import { EnvironmentError } from "../start/errors.ts";
import { sessionStore } from "../start/session-store.ts";
import { secret } from "./leak-watch.ts";

describe("a value that can't be used is refused with one line that names the variable", () => {
  test.each([
    ["STORE_PORT", "0"],
    ["FORUM_PORT", "65536"],
    ["IDP_PORT", "80a"],
    ["OUTBOX_PORT", "-1"],
    ["STORE_ORIGIN", "http://shop.example.com"],
    ["STORE_ORIGIN", "https://shop.example.com/"],
    ["FORUM_ORIGIN", "forum.example.com"],
    ["TRUST_PROXY", "yes"],
    ["TRUST_PROXY", "10.0.0.0/0"],
    ["TRUST_PROXY", "::/0"],
    ["TRUST_PROXY", "10.0.0.0/33"],
    ["TRUST_PROXY", "10.0.0.1, proxy.example.com"],
    ["TRUST_PROXY", "loopback,"],
    ["TRUST_PROXY", "none,loopback"],
    ["HOST", "store.example.com"],
    ["DRAIN_SECONDS", "-1"],
    ["DRAIN_SECONDS", "601"],
    ["PARTS", "store,shop"],
    ["SESSION_STORE", "mysql://127.0.0.1"],
    ["SESSION_STORE", "redis:"],
    ["COOKIE_KEYS", "k1"],
    ["COOKIE_KEYS", ","],
    ["COOKIE_KEYS_FILE", "/no/such/file"],
    ["DATABASE_URL", "mysql://127.0.0.1/idp"],
    ["STORE_WEBHOOK_ORIGIN", "https://shop.example.com/hooks"],
    ["STORE_CLIENT_SECRET", "a secret"],
    ["SMTP_URL", "mail.example.com"],
    ["IDP_URL", "ftp://example.com"],
    ["IDP_URL", "http://id.example.com"],
    ["IDP_URL", "https://key@id.example.com"],
    ["WORKFLOW", "session"],
    ["POLICY", "Hardened"],
    ["SESSION_IDLE", "30"],
    ["SESSION_ABSOLUTE", "0s"],
    ["REFRESH_IDLE", "-1d"],
    ["REFRESH_ABSOLUTE", "401d"],
  ])("%s=%s", (variable, value) => {
    const key = variable === "IDP_URL" ? { IDP_API_KEY: "a key" } : {};
    expect(() => readEnvironment({ [variable]: value, ...key })).toThrow(EnvironmentError);
    expect(() => readEnvironment({ [variable]: value, ...key })).toThrow(
      new RegExp(`^${variable}: [^\\n]+$`),
    );
  });

  test("IDP_URL and IDP_API_KEY need each other", () => {
    expect(() => readEnvironment({ IDP_URL: "https://id.example.com" })).toThrow(/^IDP_API_KEY: /);
    expect(() => readEnvironment({ IDP_API_KEY: "a key" })).toThrow(/^IDP_URL: /);
  });

  test("SMTP_URL needs MAIL_FROM, and a provider of ours; its password is not repeated", () => {
    const SMTP_URL = `smtp://us:${secret("a password of the mail server")}@mail.example.com`;
    expect(() => readEnvironment({ SMTP_URL })).toThrow(/^MAIL_FROM: [^\n]+$/);
    const elsewhere = { IDP_URL: "https://id.example.com", IDP_API_KEY: "a key" };
    expect(() => readEnvironment({ SMTP_URL, MAIL_FROM: "us@example.com", ...elsewhere })).toThrow(
      /^SMTP_URL: the provider at IDP_URL sends its own mail$/,
    );
    expect(() => readEnvironment({ SMTP_URL: SMTP_URL.replace("smtp:", "http:") })).toThrow(
      /^SMTP_URL: is not an address like smtp:\/\/mail.example.com:587$/,
    );
  });

  test("the applications' origins need two host names: ports keep no cookies apart (ASVS 3.5.4)", () => {
    const origins = { STORE_ORIGIN: "https://example.com", FORUM_ORIGIN: "https://example.com:8443" };
    expect(() => readEnvironment(origins)).toThrow(/^FORUM_ORIGIN: [^\n]+$/);
  });

  test("DATABASE_URL is for the embedded provider", () => {
    const elsewhere = { IDP_URL: "https://id.example.com", IDP_API_KEY: "a key" };
    expect(() => readEnvironment({ ...elsewhere, DATABASE_URL: "postgres://localhost/idp" })).toThrow(
      /^DATABASE_URL: the provider at IDP_URL has its own database$/,
    );
  });

  test("nodes that share a store must share their cookie keys: each would open no cookie of another", () => {
    for (const SESSION_STORE of ["redis://127.0.0.1", "rediss+sentinel://a:1,b:2/main", "postgres://h/d"]) {
      expect(() => readEnvironment({ SESSION_STORE })).toThrow(/^COOKIE_KEYS: is needed [^\n]+$/);
      expect(readEnvironment({ SESSION_STORE, COOKIE_KEYS: `k1:${key}` }).sessionStore).toBe(SESSION_STORE);
    }
  });

  test("any environment is read or refused by name, never anything else", () => {
    const names = [
      "STORE_PORT",
      "POLICY",
      "WORKFLOW",
      "SESSION_IDLE",
      "REFRESH_ABSOLUTE",
      "STORE_ORIGIN",
      "FORUM_ORIGIN",
      "SMTP_URL",
      "MAIL_FROM",
      "IDP_URL",
      "IDP_API_KEY",
      "SESSION_STORE",
      "COOKIE_KEYS",
      "DATABASE_URL",
      "TRUST_PROXY",
      "HOST",
      "PARTS",
      "DRAIN_SECONDS",
      "STORE_CLIENT_SECRET",
      "FORUM_WEBHOOK_ORIGIN",
    ];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.string()), (variables) => {
        try {
          readEnvironment(variables);
          return true;
        } catch (error) {
          return (
            error instanceof EnvironmentError && names.some((name) => error.message.startsWith(`${name}: `))
          );
        }
      }),
    );
  });
});

const key = secret(randomBytes(32).toString("base64url"));

describe("secrets", () => {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-environment-"));
  const fileOf = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  afterAll(() => rmSync(folder, { recursive: true }));

  const elsewhere = { IDP_URL: "https://id.example.com", IDP_API_KEY: "a key" };

  test.each([
    ["COOKIE_KEYS", `k1:${key}`, {}],
    ["IDP_API_KEY", "a key of the provider", { IDP_URL: "https://id.example.com" }],
    ["STORE_CLIENT_SECRET", "a client secret", elsewhere],
    ["FORUM_CLIENT_SECRET", "a client secret", elsewhere],
    ["SMTP_URL", "smtp://us:a-password@mail.example.com", { MAIL_FROM: "us@example.com" }],
    ["SESSION_STORE", "rediss://:a-password@redis.example.com", { COOKIE_KEYS: `k1:${key}` }],
    ["DATABASE_URL", "postgres://us:a-password@db.example.com/idp", {}],
  ])("%s may be a file, whose last line end does not count", (variable, value, others: object) => {
    const others_ = Object.fromEntries(Object.entries(others).filter(([name]) => name !== variable));
    const given = readEnvironment({ ...others_, [variable]: value });
    const file = { [`${variable}_FILE`]: fileOf(variable, `${value}\n`) };
    expect(readEnvironment({ ...others_, ...file })).toEqual(given);
    const both = { ...others_, ...file, [variable]: value };
    expect(() => readEnvironment(both)).toThrow(
      new EnvironmentError(`${variable}_FILE`, `can't be set besides ${variable}`),
    );
    const empty = { ...others_, [`${variable}_FILE`]: fileOf("empty", "\n") };
    expect(() => readEnvironment(empty)).toThrow(new RegExp(`^${variable}_FILE: ".+" is empty$`));
  });

  describe("cookie keys", () => {
    const other = randomBytes(32).toString("base64url");
    let keys: readonly { id: string; secret: string }[] | null;
    beforeAll(() => {
      keys = readEnvironment({ COOKIE_KEYS: `k2:${other},k1:${key}` }).cookieKeys;
    });

    test("the first writes, all read; a file has one a line", () => {
      expect(keys).toEqual([
        { id: "k2", secret: other },
        { id: "k1", secret: key },
      ]);
      const COOKIE_KEYS_FILE = fileOf("keys", `k2:${other}\nk1:${key}\n\n`);
      expect(readEnvironment({ COOKIE_KEYS_FILE }).cookieKeys).toEqual(keys);
    });

    test("what is wrong with one is said by its place, and never repeated", () => {
      for (const wrong of ["k1", `k 1:${key}`, "k1:tooshort", `k1:${key}:`, `:${key}`, `k1:${key} x`]) {
        const line = thrown(() => readEnvironment({ COOKIE_KEYS: `k2:${other},${wrong}` }));
        expect(line).toMatch(/^COOKIE_KEYS: entry 2 is not id:secret, [^\n]+$/);
        expect(line).not.toContain(key);
        expect(line).not.toContain(other);
      }
      expect(thrown(() => readEnvironment({ COOKIE_KEYS: `k1:${other},k1:${key}` }))).toBe(
        "COOKIE_KEYS: holds two keys of one id",
      );
    });
  });

  test("no refusal repeats what may hold a password", () => {
    const password = secret("a password that is in an address");
    const refusals = [
      { SESSION_STORE: `redis-s://:${password}@h` },
      { SESSION_STORE: `rediss://:${password}@h` },
      { DATABASE_URL: `pg://us:${password}@h` },
      { DATABASE_URL: `postgres://us:${password}@h`, IDP_URL: "https://id.example.com", IDP_API_KEY: "k" },
      { IDP_URL: `ftp://us:${password}@id.example.com`, IDP_API_KEY: "k" },
    ].map((variables) => thrown(() => readEnvironment(variables)));
    for (const line of refusals) expect(line).not.toContain("password that");
  });

  test.each([
    ["redis+cluster://:a-password@h/1", "of a Cluster ends after its hosts: it has one database"],
    ["redis://:a-password@h/one", "ends with a database that is not a number"],
    ["postgres://us:a-password@h/d#x", "must be like postgres://user:password@host:5432/database"],
  ])("an address that its store refuses is refused in the store's words: %s", async (address, words) => {
    const environment = readEnvironment({ SESSION_STORE: address, COOKIE_KEYS: `k1:${key}` });
    const line = await sessionStore(environment, "store").then(() => "", String);
    expect(line).toContain(`SESSION_STORE: ${words}`);
    expect(line).not.toContain("a-password");
  });
});

describe("TRUST_PROXY", () => {
  test("is nobody, this machine, or a list of addresses and ranges", () => {
    const proxies = (TRUST_PROXY?: string) => readEnvironment({ TRUST_PROXY }).trustedProxies;
    expect(proxies()).toEqual([]);
    expect(proxies("none")).toEqual([]);
    expect(proxies("loopback")).toEqual(["127.0.0.0/8", "::1/128"]);
    expect(proxies("10.0.0.7, 10.1.0.0/16,2001:db8::/32,loopback")).toEqual([
      "10.0.0.7",
      "10.1.0.0/16",
      "2001:db8::/32",
      "127.0.0.0/8",
      "::1/128",
    ]);
  });
});

test("with nothing set, it is one machine on embedded stores that believes nobody", () => {
  expect(readEnvironment({})).toMatchObject({
    parts: ["store", "forum"],
    host: "127.0.0.1",
    origins: {},
    webhookOrigins: {},
    trustedProxies: [],
    drain: 0,
    sessionStore: "sqlite:",
    cookieKeys: null,
    provider: null,
    clientSecrets: {},
    database: null,
  });
});

/** The line of the EnvironmentError that is thrown. */
function thrown(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof EnvironmentError) return error.message;
  }
  throw new Error("Nothing was refused");
}
