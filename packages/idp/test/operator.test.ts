// Applications, tenants and status: what an operator sets up; API keys are in api-keys.test.ts.
import { describe, expect, test } from "vitest";
import {
  ALICE,
  API_KEY,
  emptyDatabase,
  dump,
  login,
  refreshGrant,
  startIdp,
  STORE_APP,
  STORE_SECRET,
} from "./idp.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";

describe("applications", () => {
  test("FusionAuth's client creates one and gets a client secret", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    const none: string = JSON.parse("null");
    const { response } = await client.createApplication(none, { application: { name: "Wiki" } });
    expect(response.application).toMatchObject({
      name: "Wiki",
      active: true,
      loginConfiguration: {
        allowTokenRefresh: false,
        generateRefreshTokens: false,
        requireAuthentication: true,
      },
      oauthConfiguration: { clientId: response.application?.id, clientAuthenticationPolicy: "Required" },
    });
    expect(response.application?.oauthConfiguration?.clientSecret?.length).toBeGreaterThanOrEqual(43);
  });

  test("client secrets are not readable in the database", async () => {
    const database = await emptyDatabase();
    await startIdp({ database });
    expect(await dump(database)).not.toContain(STORE_SECRET);
    expect(await dump(database)).not.toContain(API_KEY);
  });

  test("names are unique in a tenant", async () => {
    const idp = await startIdp();
    const { status, body } = await idp.call("POST", "/api/application", {
      json: { application: { name: "STORE" } },
    });
    expect([status, body.fieldErrors["application.name"][0].code]).toEqual([
      400,
      "[duplicate]application.name",
    ]);
  });

  test("PATCH merges settings and keeps the secret; PUT replaces settings and keeps the secret", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    const patched = await client.patchApplication(STORE_APP, {
      application: { loginConfiguration: { generateRefreshTokens: false } },
    });
    expect(patched.response.application?.loginConfiguration).toMatchObject({
      allowTokenRefresh: true,
      generateRefreshTokens: false,
    });
    const replaced = await client.updateApplication(STORE_APP, { application: { name: "Shop" } });
    expect(replaced.response.application).toMatchObject({
      name: "Shop",
      loginConfiguration: { allowTokenRefresh: false },
      oauthConfiguration: { clientSecret: STORE_SECRET },
    });
  });

  test("a new client secret replaces the old one", async () => {
    const idp = await startIdp();
    const { body: signedIn } = await login(idp);
    const oauthConfiguration = { clientSecret: "a new client secret of the store" };
    await idp.call("PATCH", `/api/application/${STORE_APP}`, {
      json: { application: { oauthConfiguration } },
    });
    expect((await refreshGrant(idp, signedIn.refreshToken)).status).toBe(401);
    const client_secret = oauthConfiguration.clientSecret;
    expect((await refreshGrant(idp, signedIn.refreshToken, { client_secret })).status).toBe(200);
  });

  test("deactivating ends its tokens and sign-ins; reactivating wakes no token", async () => {
    const idp = await startIdp();
    const { body: signedIn } = await login(idp);
    const client = await idp.client();
    await client.deactivateApplication(STORE_APP);
    expect((await login(idp)).status).toBe(400);
    expect((await refreshGrant(idp, signedIn.refreshToken)).status).toBe(401);
    expect((await client.retrieveApplications()).response.applications?.map(({ name }) => name)).toEqual([
      "Forum",
    ]);
    expect((await client.retrieveInactiveApplications()).response.applications).toHaveLength(1);
    await client.reactivateApplication(STORE_APP);
    expect((await refreshGrant(idp, signedIn.refreshToken)).body.error).toBe("invalid_grant");
    expect((await login(idp)).status).toBe(200);
  });

  test("a deleted one is gone", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    await client.deleteApplication(STORE_APP);
    await expect(client.retrieveApplication(STORE_APP)).rejects.toMatchObject({ statusCode: 404 });
    expect((await idp.call("GET", `/api/user/${ALICE}`)).body.user.registrations).toHaveLength(1);
  });

  test("roles can be added", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    const none: string = JSON.parse("null");
    const { response } = await client.createApplicationRole(STORE_APP, none, { role: { name: "clerk" } });
    expect(response.role).toMatchObject({ name: "clerk", isDefault: false });
    const json = { role: { name: "clerk" } };
    expect((await idp.call("POST", `/api/application/${STORE_APP}/role`, { json })).status).toBe(400);
    expect((await idp.call("POST", `/api/application/${NOBODY}/role`, { json })).status).toBe(404);
  });

  test("settings outside FusionAuth's limits are refused by name", async () => {
    const idp = await startIdp();
    const cases: [object, string][] = [
      [
        { refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 86_400 } },
        "refreshTokenOneTimeUseConfiguration.gracePeriodInSeconds",
      ],
      [{ timeToLiveInSeconds: 0 }, "timeToLiveInSeconds"],
      [{ refreshTokenUsagePolicy: "Sometimes" }, "refreshTokenUsagePolicy"],
      [
        {
          refreshTokenTimeToLiveInMinutes: 10,
          refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: 5 },
        },
        "refreshTokenSlidingWindowConfiguration.maximumTimeToLiveInMinutes",
      ],
    ];
    for (const [jwtConfiguration, member] of cases) {
      const json = { application: { jwtConfiguration } };
      const { status, body } = await idp.call("PATCH", `/api/application/${STORE_APP}`, { json });
      expect([status, Object.keys(body.fieldErrors)]).toEqual([
        400,
        [`application.jwtConfiguration.${member}`],
      ]);
    }
  });
});

describe("tenants", () => {
  test("a new database has the default tenant, with the settings in force", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    const { response } = await client.retrieveTenants();
    expect(response.tenants).toHaveLength(1);
    expect(response.tenants?.[0]).toMatchObject({
      name: "Default",
      issuer: "http://idp.test",
      jwtConfiguration: {
        timeToLiveInSeconds: 3_600,
        refreshTokenUsagePolicy: "OneTimeUse",
        refreshTokenExpirationPolicy: "SlidingWindowWithMaximumLifetime",
        refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 10 },
        refreshTokenRevocationPolicy: { onOneTimeTokenReuse: true },
      },
      passwordValidationRules: { minLength: 8, maxLength: 256, requireNumber: false },
    });
  });

  test("FusionAuth's client creates, changes and deletes one, with all that is in it", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    const id = "bbbbbbbb-0000-4000-8000-000000000001";
    await client.createTenant(id, { tenant: { name: "Other" } });
    const scoped = await idp.client(API_KEY, id);
    const none: string = JSON.parse("null");
    const { response } = await scoped.createUser(none, { user: { email: "bob@example.com" } });
    await client.patchTenant(id, { tenant: { passwordValidationRules: { minLength: 15 } } });
    const rules = await client.retrievePasswordValidationRulesWithTenantId(id);
    expect(rules.response.passwordValidationRules).toMatchObject({ minLength: 15, maxLength: 256 });
    await client.updateTenant(id, { tenant: { name: "Renamed" } });
    expect((await client.retrieveTenant(id)).response.tenant).toMatchObject({
      name: "Renamed",
      passwordValidationRules: { minLength: 8 },
    });
    await client.deleteTenant(id);
    await expect(client.retrieveTenant(id)).rejects.toMatchObject({ statusCode: 404 });
    await expect(client.retrieveUser(response.user?.id ?? "")).rejects.toMatchObject({ statusCode: 404 });
  });

  test("the default tenant can't be deleted", async () => {
    const idp = await startIdp();
    const { body } = await idp.call("GET", "/api/tenant");
    expect((await idp.call("DELETE", `/api/tenant/${body.tenants[0].id}`)).status).toBe(400);
    expect((await login(idp)).status).toBe(200);
  });

  test("rules that no password could meet are refused", async () => {
    const idp = await startIdp();
    const { body } = await idp.call("GET", "/api/tenant");
    for (const passwordValidationRules of [{ minLength: 300 }, { maxLength: 20 }, { minLength: 0 }]) {
      const json = { tenant: { passwordValidationRules } };
      expect((await idp.call("PATCH", `/api/tenant/${body.tenants[0].id}`, { json })).status).toBe(400);
    }
  });
});

describe("status", () => {
  test("health is an empty 200 for anyone, and the version is for keys", async () => {
    const idp = await startIdp();
    const health = await idp.call("GET", "/api/health", { key: null });
    expect([health.status, health.text, health.headers.get("content-type")]).toEqual([200, "", null]);
    expect((await idp.call("GET", "/api/status", { key: null })).body).toEqual({ status: "ok" });
    expect((await idp.call("GET", "/api/status")).body).toMatchObject({
      status: "ok",
      draining: false,
      store: { status: "ok" },
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
    expect((await idp.call("GET", "/api/system/version", { key: null })).status).toBe(401);
    expect((await idp.call("GET", "/api/system/version")).body.version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("a store that is gone is 503 with Retry-After everywhere, and signs nobody out", async () => {
    const idp = await startIdp();
    const { body: signedIn } = await login(idp);
    await idp.idp.close();
    for (const answer of [
      await login(idp),
      await refreshGrant(idp, signedIn.refreshToken),
      await idp.call("GET", `/api/user/${ALICE}`),
    ]) {
      expect([answer.status, answer.text, answer.headers.get("retry-after"), answer.cookies]).toEqual([
        503,
        "",
        "1",
        [],
      ]);
    }
  });

  test("health asks no store; status says to strangers no more than whether requests may be sent", async () => {
    const idp = await startIdp();
    idp.idp.drain();
    const draining = await idp.call("GET", "/api/status", { key: null });
    expect([draining.status, draining.body, draining.headers.get("retry-after")]).toEqual([
      503,
      { status: "unavailable" },
      "1",
    ]);
    expect((await idp.call("GET", "/api/status")).body).toMatchObject({
      draining: true,
      store: { status: "ok" },
    });
    expect((await login(idp)).status).toBe(200);
    await idp.idp.close();
    expect((await idp.call("GET", "/api/health", { key: null })).status).toBe(200);
    const closed = await idp.call("GET", "/api/status", { key: null });
    expect([closed.status, closed.body]).toEqual([503, { status: "unavailable" }]);
  });

  test("an unknown path is an empty 404, a wrong verb a 405 that says which there are", async () => {
    const idp = await startIdp();
    const unknown = await idp.call("GET", "/api/nothing");
    expect([unknown.status, unknown.text, unknown.headers.get("content-type")]).toEqual([404, "", null]);
    const verb = await idp.call("DELETE", "/api/login");
    expect([verb.status, verb.headers.get("allow")]).toEqual([405, "POST"]);
    const several = await idp.call("PATCH", "/api/user");
    expect([several.status, several.headers.get("allow")]).toEqual([405, "POST, GET"]);
  });

  test("no answer's content type may be guessed at (ASVS 3.4.4)", async () => {
    const idp = await startIdp();
    const { body: signedIn } = await login(idp);
    const answers = [
      await login(idp),
      await refreshGrant(idp, signedIn.refreshToken),
      await idp.call("GET", "/.well-known/jwks.json"),
      await idp.call("GET", "/api/health"),
      await idp.call("GET", "/api/nothing"),
      await idp.call("DELETE", "/api/login"),
      await idp.call("POST", "/api/logout"),
    ];
    for (const { headers } of answers) expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("slashes too many are no way around anything", async () => {
    const idp = await startIdp();
    expect((await idp.call("GET", `//api//user/${ALICE}/`, { key: null })).status).toBe(401);
    expect((await idp.call("GET", `//api//user/${ALICE}/`)).status).toBe(200);
  });
});
