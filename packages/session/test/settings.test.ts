// A wrong option stops the application at construction, by name, and never with the secret in the message.
import { describe, expect, test } from "vitest";
import { createSessions, memoryStore, type SessionsOptions } from "../src/index.ts";
import { checkedSettings as settings } from "../src/settings.ts";
import { cookieKey, day, hour, minute } from "./records.ts";

const key = cookieKey("2026a");
const provider = {
  url: "https://id.example.com",
  applicationId: "10000000-0000-4000-8000-000000000001",
  apiKey: "the key of the API",
  clientSecret: "the secret of the client",
};

function options(changed: Partial<SessionsOptions> = {}): SessionsOptions {
  return {
    application: "store",
    origin: "https://shop.example.com",
    identityProvider: provider,
    cookieKeys: [key],
    store: memoryStore(),
    publicPaths: ["/"],
    ...changed,
  };
}

/** Options as JavaScript, or an environment variable that is not set, can give them: without the compiler's blessing. */
function untyped(changed: Record<string, unknown>): SessionsOptions {
  return Object.assign(options(), changed);
}

function expectRefusal(wrong: SessionsOptions, option: string): void {
  const construct = () => createSessions(wrong);
  expect(construct).toThrow(TypeError);
  expect(construct).toThrow(`"${option}`);
}

describe("createSessions", () => {
  test("takes good options, and its timer does not hold the process", async () => {
    const sessions = createSessions(options());
    expect(sessions.lifetimes.sessionIdle).toBe(30 * minute);
    await sessions.close();
  });

  test.each(["", "Store", "a b", "a\nb", "ä", "a".repeat(33)])(
    "refuses the application name %j",
    (application) => {
      expectRefusal(options({ application }), "application");
    },
  );

  test.each([
    "http://shop.example.com",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://192.168.0.1",
    "http://10.0.0.1:3000",
    "http://[::2]",
    "ftp://localhost",
    "https://shop.example.com/",
    "https://shop.example.com/path",
    "https://SHOP.example.com",
    "https://user@shop.example.com",
    "shop.example.com",
    "null",
    "",
  ])("refuses the origin %j (CWE-319)", (origin) => {
    expectRefusal(options({ origin }), "origin");
  });

  test.each([
    "http://localhost:3000",
    "http://store.localhost:3000",
    "http://127.0.0.1:3000",
    "http://127.1.2.3",
    "http://[::1]:3000",
    "https://shop.example.com:8443",
  ])("takes the origin %j", (origin) => {
    expect(settings(options({ origin })).origin).toBe(origin);
  });

  test("names its cookies with the prefix on https, and without it on loopback", () => {
    expect(settings(options()).cookieWriter.names.session).toBe("__Host-session");
    expect(settings(options({ origin: "http://localhost" })).cookieWriter.names.session).toBe("session");
  });

  test("refuses an unknown workflow or policy", () => {
    expectRefusal(untyped({ workflow: "tokens" }), "workflow");
    expectRefusal(untyped({ policy: "hardend" }), "policy");
  });
});

describe("cookie keys", () => {
  test("must be there", () => {
    expectRefusal(options({ cookieKeys: [] }), "cookieKeys");
  });

  test("must not share an id", () => {
    expectRefusal(options({ cookieKeys: [cookieKey("a"), cookieKey("a")] }), "cookieKeys");
  });

  test.each(["", "a b", "a.b", "a".repeat(17), "ä"])("must not have the id %j", (id) => {
    expectRefusal(options({ cookieKeys: [cookieKey("good"), { ...key, id }] }), "cookieKeys[1].id");
  });

  test.each(["", "short", "a".repeat(42)])(
    "must not have a secret of fewer than 32 bytes (%j) (ASVS 11.2.3, 11.4.4)",
    (secret) => {
      expectRefusal(options({ cookieKeys: [{ id: "a", secret }] }), "cookieKeys[0].secret");
    },
  );

  test("must have a secret: an environment variable that is not set is refused by name", () => {
    expectRefusal(untyped({ cookieKeys: [{ id: "a", secret: undefined }] }), "cookieKeys[0].secret");
  });

  test("never stand in the message", () => {
    const secret = "a secret that is too short";
    expect(() => createSessions(options({ cookieKeys: [{ id: "a", secret }] }))).toThrow(
      expect.not.stringContaining(secret),
    );
  });
});

describe("the identity provider", () => {
  const expectRefused = (changed: Record<string, unknown>, option: string) =>
    expectRefusal(untyped({ identityProvider: { ...provider, ...changed } }), `identityProvider.${option}`);

  test.each(["http://id.example.com", "http://10.0.0.1:9011", "ftp://id.example.com", "id.example.com", ""])(
    "must not be at %j: passwords go there",
    (url) => {
      expectRefused({ url }, "url");
    },
  );

  test.each(["https://id.example.com", "http://localhost:9011", "http://127.0.0.1:9011"])(
    "may be at %j",
    (url) => {
      expect(() => settings(options({ identityProvider: { ...provider, url } }))).not.toThrow();
    },
  );

  test("may be at any http address where `fetch` leads into this process", () => {
    const embedded = { ...provider, url: "http://id.internal", fetch: async () => new Response() };
    expect(() => settings(options({ identityProvider: embedded }))).not.toThrow();
  });

  test.each(["applicationId", "apiKey"])("needs %s, which is neither empty nor missing", (option) => {
    expectRefused({ [option]: "" }, option);
    expectRefused({ [option]: undefined }, option);
  });

  test("needs a client secret for hardened renewal: a raw refresh token must be useless without it", () => {
    expectRefused({ clientSecret: "" }, "clientSecret");
    expectRefused({ clientSecret: undefined }, "clientSecret");
  });

  test.each([{ workflow: "sessions" }, { policy: "as-described" }] as const)(
    "needs no client secret with %j",
    (changed) => {
      const { clientSecret: _, ...identityProvider } = provider;
      expect(() => settings(options({ ...changed, identityProvider }))).not.toThrow();
    },
  );
});

describe("lifetimes", () => {
  test.each(["0s", "30", "1.5h", "500d", "", "forever", 1_800, undefined])(
    "refuse %j by the clock's name",
    (duration) => {
      expectRefusal(untyped({ lifetimes: { sessionIdle: duration } }), "lifetimes.sessionIdle");
      expectRefusal(untyped({ lifetimes: { rememberedAbsolute: duration } }), "lifetimes.rememberedAbsolute");
    },
  );

  test("refuse a clock there is none of: a misspelt limit must not fall back to its default", () => {
    expectRefusal(untyped({ lifetimes: { sesionIdle: "1s" } }), "lifetimes");
  });

  test("have the defaults of the table (D5) (ASVS 7.1.1)", () => {
    expect(settings(options()).lifetimes).toEqual({
      sessionIdle: 30 * minute,
      revalidateAfter: 10 * minute,
      signInIdle: hour,
      signInAbsolute: day,
      rememberedIdle: 14 * day,
      rememberedAbsolute: 30 * day,
    });
    expect(settings(options({ workflow: "sessions" })).lifetimes.signInAbsolute).toBe(12 * hour);
  });

  test("know no absolute limit as described, unless one is set", () => {
    expect(settings(options({ policy: "as-described" })).lifetimes.signInAbsolute).toBe(
      Number.POSITIVE_INFINITY,
    );
    const limited = options({ policy: "as-described", lifetimes: { signInAbsolute: "1h" } });
    expect(settings(limited).lifetimes.signInAbsolute).toBe(hour);
  });

  test("never let a window be wider than the limit it slides within", () => {
    const { lifetimes } = settings(
      options({ lifetimes: { signInAbsolute: "5m", rememberedAbsolute: "1h" } }),
    );
    expect(lifetimes).toMatchObject({ signInIdle: 5 * minute, rememberedIdle: hour });
  });
});

describe("paths", () => {
  test.each(["shopping-cart", "//evil.example", "https://evil.example/", ""])("must not be %j", (path) => {
    expectRefusal(options({ signInPath: path }), "signInPath");
    expectRefusal(options({ afterSignIn: path }), "afterSignIn");
    expectRefusal(options({ publicPaths: ["/", path] }), "publicPaths");
    expectRefusal(options({ unguardedPaths: [path] }), "unguardedPaths");
  });
});
