// Every verdict over a refresh token is told: one event each, with when, whose, for which application, and from which
// device and address (D6, ASVS 16.3.1, 16.3.3), and without the token.
import { expect, test } from "vitest";
import type { IdpEvent } from "../src/index.ts";
import {
  ALICE,
  copyOf,
  emptyDatabase,
  login,
  refreshGrant,
  seeded,
  startIdp,
  STORE_APP,
  type TestIdp,
} from "./idp.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const fromHerLaptop = {
  ipAddress: "192.0.2.7",
  metaData: { device: { name: "Firefox on Linux", type: "BROWSER" } },
};

interface Case {
  readonly verdict: string;
  readonly jwtConfiguration?: object;
  /** Brings it about with the first refresh token, and says which token to present last. */
  readonly bring: (idp: TestIdp, first: string) => Promise<string>;
  readonly event: Partial<IdpEvent> | Record<string, unknown>;
}

const next = async (idp: TestIdp, token: string): Promise<string> =>
  (await refreshGrant(idp, token)).body.refresh_token;

const cases: readonly Case[] = [
  {
    verdict: "rotated",
    bring: async (_, first) => first,
    event: { type: "refresh-token-rotated", generation: 2 },
  },
  {
    verdict: "repeated inside the grace",
    bring: async (idp, first) => (await next(idp, first)) && first,
    event: { type: "refresh-token-repeated", generation: 2 },
  },
  {
    verdict: "used, where it is reusable",
    jwtConfiguration: { refreshTokenUsagePolicy: "Reusable" },
    bring: async (_, first) => first,
    event: { type: "refresh-token-used", generation: 1 },
  },
  {
    verdict: "reused after the grace",
    async bring(idp, first) {
      await next(idp, first);
      idp.clock.now += 10 * SECOND;
      return first;
    },
    event: { type: "refresh-token-reused", presented: 1, current: 2, familyRevoked: true },
  },
  {
    verdict: "reused by two rotations",
    async bring(idp, first) {
      await next(idp, await next(idp, first));
      return first;
    },
    event: { type: "refresh-token-reused", presented: 1, current: 3, familyRevoked: true },
  },
  {
    verdict: "refused as expired",
    jwtConfiguration: { refreshTokenTimeToLiveInMinutes: 60 },
    async bring(idp, first) {
      idp.clock.now += HOUR;
      return first;
    },
    event: { type: "refresh-token-refused", reason: "expired" },
  },
  {
    verdict: "refused as revoked",
    async bring(idp, first) {
      await idp.call("DELETE", `/api/jwt/refresh?userId=${ALICE}`);
      return first;
    },
    event: { type: "refresh-token-refused", reason: "revoked" },
  },
];

test.each(cases)(
  "$verdict: one event, with who, when and which device",
  async ({ jwtConfiguration, bring, event }) => {
    const store = { jwtConfiguration: { enabled: true, ...jwtConfiguration } };
    const idp = await startIdp({ kickstart: seeded({ store }) });
    const { body } = await login(idp, fromHerLaptop);
    idp.clock.now += SECOND;
    const presented = await bring(idp, body.refreshToken);
    idp.events.length = 0;
    await refreshGrant(idp, presented);
    expectOne(idp, { ...event, refreshTokenId: body.refreshTokenId });
  },
);

test("went forward after a restore: an event for the leap and one for the rotation, both with who and where", async () => {
  const database = await emptyDatabase();
  const before = await startIdp({ database });
  const { body } = await login(before, fromHerLaptop);
  await before.close();
  const backup = await copyOf(database);
  const during = await startIdp({ database });
  const third = await next(during, await next(during, body.refreshToken));
  await during.close();

  const after = await startIdp({ database: backup });
  after.events.length = 0;
  expect((await refreshGrant(after, third)).status).toBe(200);
  const told = after.events.filter(({ type }) => type.startsWith("refresh-token"));
  expect(told.map(({ type }) => type)).toEqual(["refresh-token-went-forward", "refresh-token-rotated"]);
  for (const each of told) {
    expect(each).toMatchObject({ ...whose, at: after.clock.now, refreshTokenId: body.refreshTokenId });
  }
});

const whose = {
  userId: ALICE,
  applicationId: STORE_APP,
  address: "192.0.2.7",
  deviceName: "Firefox on Linux",
};

function expectOne(idp: TestIdp, event: Record<string, unknown>): void {
  const told = idp.events.filter(({ type }) => type.startsWith("refresh-token-"));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ ...whose, ...event, at: idp.clock.now });
}
