import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judge, type Verdict } from "../src/judgement.ts";
import { LAST_GENERATION } from "../src/refresh-token.ts";
import type { RefreshToken, Tenant } from "../src/store/records.ts";
import { lifetime, type TokenPolicy, tokenPolicy } from "../src/token-policy.ts";

const T0 = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

const tenant: Tenant = {
  id: "t",
  name: "Default",
  isDefault: true,
  settings: {},
  version: 1,
  insertInstant: T0,
  lastUpdateInstant: T0,
};
const DEFAULTS = tokenPolicy(tenant, null);

function rowWith(members: Partial<RefreshToken>, policy: TokenPolicy = DEFAULTS): RefreshToken {
  return {
    id: "r",
    tenantId: "t",
    applicationId: "a",
    userId: "u",
    secret: Buffer.alloc(32),
    keyId: "k",
    generation: 5,
    startInstant: T0,
    rotatedInstant: T0,
    ...lifetime(policy, T0, T0),
    revokedInstant: null,
    revokedReason: null,
    metaData: {},
    lastAccessedAddress: null,
    lastAccessedInstant: T0,
    ...members,
  };
}

test("the defaults are one-time use, ten seconds' grace, a sliding window with a maximum, and the end on reuse", () => {
  expect(DEFAULTS).toMatchObject({
    usage: "OneTimeUse",
    graceMs: 10_000,
    expiration: "SlidingWindowWithMaximumLifetime",
    revokeOnReuse: true,
    revokeOnLoginPrevented: true,
    revokeOnPasswordChanged: true,
  });
});

describe("each line of the table", () => {
  const cases: [string, Partial<RefreshToken>, number, number, Verdict][] = [
    ["current", {}, 5, 0, "rotate"],
    ["predecessor at once", {}, 4, 0, "repeat"],
    ["predecessor in the last millisecond of the grace", {}, 4, 9_999, "repeat"],
    ["predecessor when the grace is over", {}, 4, 10_000, "reuse"],
    ["older than the predecessor, inside the grace", {}, 3, 0, "reuse"],
    ["later than the row's", {}, 6, 0, "forward"],
    ["revoked, whatever is presented", { revokedInstant: T0 }, 5, 0, "revoked"],
    ["revoked and reused is still only revoked", { revokedInstant: T0 }, 1, 0, "revoked"],
    ["expired", {}, 5, 720 * HOUR, "expired"],
    ["expired and reused is expired", {}, 1, 720 * HOUR, "expired"],
    ["no generation left", { generation: LAST_GENERATION }, LAST_GENERATION, 0, "expired"],
  ];
  for (const [name, members, presented, later, verdict] of cases) {
    test(`${name} → ${verdict}`, () => {
      expect(judge(rowWith(members), presented, DEFAULTS, T0 + later)).toBe(verdict);
    });
  }

  test("a reusable token is used, not rotated", () => {
    expect(judge(rowWith({}), 5, { ...DEFAULTS, usage: "Reusable" }, T0)).toBe("use");
  });

  test("a grace of 0 never repeats", () => {
    expect(judge(rowWith({}), 4, { ...DEFAULTS, graceMs: 0 }, T0)).toBe("reuse");
  });
});

test("no token outlives its start by more than the maximum, however it is used (ASVS 10.4.8)", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1, max: 1_000 }),
      fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 50 }),
      (lifetimeMs, maximumMs, pauses) => {
        const policy: TokenPolicy = { ...DEFAULTS, lifetimeMs, maximumMs };
        let row = rowWith({}, policy);
        let now = T0;
        for (const pause of pauses) {
          now += pause;
          const verdict = judge(row, row.generation, policy, now);
          expect(now < T0 + maximumMs || verdict === "expired").toBe(true);
          if (verdict === "expired") return;
          row = {
            ...row,
            ...lifetime(policy, T0, now),
            generation: row.generation + 1,
            rotatedInstant: now,
            lastAccessedInstant: now,
          };
          expect(row.expiresInstant).toBeLessThanOrEqual(T0 + maximumMs);
          expect(row.endsInstant).toBeGreaterThanOrEqual(row.expiresInstant);
        }
      },
    ),
  );
});

test("of all generations only one rotates and at most one is repeated, at any time", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 20_000 }), (generation, later) => {
      const row = rowWith({ generation });
      const verdicts = Array.from({ length: generation + 3 }, (_, presented) =>
        judge(row, presented, DEFAULTS, T0 + later),
      );
      expect(verdicts.filter((verdict) => verdict === "rotate")).toHaveLength(1);
      expect(verdicts.filter((verdict) => verdict === "repeat").length).toBe(later < 10_000 ? 1 : 0);
      expect(verdicts.slice(0, Math.max(0, generation - 1)).every((verdict) => verdict === "reuse")).toBe(
        true,
      );
    }),
  );
});

test("a policy that was made stricter binds tokens that are out already; one made laxer does not wake them", () => {
  const row = rowWith({});
  const strict: TokenPolicy = { ...DEFAULTS, lifetimeMs: HOUR };
  expect(judge(row, 5, strict, T0 + HOUR)).toBe("expired");
  const short = rowWith({}, strict);
  expect(judge(short, 5, DEFAULTS, T0 + HOUR)).toBe("expired");
});

test("an application overrides its tenant only where its jwtConfiguration is enabled, setting by setting", () => {
  const settings = { jwtConfiguration: { timeToLiveInSeconds: 600, refreshTokenTimeToLiveInMinutes: 0.05 } };
  const own = { ...tenant, settings };
  const application = {
    id: "a",
    tenantId: "t",
    name: "Store",
    active: true,
    sealedSecret: "",
    roles: [],
    version: 1,
    insertInstant: T0,
    lastUpdateInstant: T0,
    settings: { jwtConfiguration: { enabled: true, timeToLiveInSeconds: 60 } },
  };
  expect(tokenPolicy(own, application)).toMatchObject({ accessTokenSeconds: 60, lifetimeMs: 3_000 });
  const disabled = { ...application, settings: { jwtConfiguration: { timeToLiveInSeconds: 60 } } };
  expect(tokenPolicy(own, disabled)).toMatchObject({ accessTokenSeconds: 600, lifetimeMs: 3_000 });
});
