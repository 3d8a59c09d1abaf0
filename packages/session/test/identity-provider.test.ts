// What is said to the identity provider, and what each of its answers to credentials means. The real provider stands in
// the behaviour suite; here are the answers that it gives only in rare states.
import { expect, test } from "vitest";
import { IdentityProviderMisconfiguredError, IdentityProviderUnavailableError } from "../src/errors.ts";
import { identityProvider } from "../src/identity-provider.ts";
import type { IdentityProviderOptions } from "../src/provider-contract.ts";

const applicationId = "10000000-0000-4000-8000-000000000001";
const credentials = {
  loginId: "ada@example.com",
  password: "a long pass phrase",
  deviceName: "Firefox",
  address: "192.0.2.1",
  deviceId: null,
};

interface Heard {
  readonly request: Request;
  readonly body: string;
}

/** A provider that answers everything alike, and what it was asked. */
function answering(response: () => Response, changed: Partial<IdentityProviderOptions> = {}) {
  const heard: Heard[] = [];
  const options = {
    url: "https://id.example.com/",
    applicationId,
    apiKey: "the key of the API",
    clientSecret: "s3cret:with/odd chars",
    fetch: async (request: Request) => {
      heard.push({ request, body: await request.clone().text() });
      return response();
    },
    ...changed,
  };
  return {
    provider: identityProvider(options, { now: () => 0, elapsed: () => 0 }, () => {}),
    heard,
  };
}

const json =
  (body: unknown, status = 200) =>
  () =>
    Response.json(body, { status });

test.each([
  [202, "not-registered"],
  [203, "password-change-required"],
  [212, "verification-required"],
  [213, "verification-required"],
  [242, "second-factor-required"],
  [400, "invalid-input"],
  [404, "invalid-credentials"],
  [409, "prevented"],
  [410, "expired"],
  [423, "locked"],
])(
  "status %i to credentials signs nobody in: %s, even where a token comes with it",
  async (status, reason) => {
    const body =
      status === 404 ? null : JSON.stringify({ token: "a.b.c", refreshToken: "r", user: { id: "u" } });
    const headers = { "content-type": "application/json" };
    const { provider } = answering(() => new Response(body, { status, headers }));
    expect(await provider.signIn(credentials)).toEqual({ outcome: "refused", reason });
  },
);

test.each([401, 403])("status %i to credentials is our mistake, not the user's", async (status) => {
  const { provider } = answering(json({}, status));
  await expect(provider.signIn(credentials)).rejects.toThrow(IdentityProviderMisconfiguredError);
});

test.each([201, 204, 301, 302, 307, 500, 502, 503, 504])(
  "status %i to credentials is an outage",
  async (status) => {
    const { provider } = answering(
      () => new Response(null, { status, headers: { location: "https://evil.example/" } }),
    );
    await expect(provider.signIn(credentials)).rejects.toThrow(IdentityProviderUnavailableError);
  },
);

test("a user without an id is nobody", async () => {
  for (const body of [{}, { user: null }, { user: {} }, { user: { id: 1 } }, { user: { id: "" } }]) {
    const { provider } = answering(json(body));
    await expect(provider.signIn(credentials)).rejects.toThrow(IdentityProviderUnavailableError);
  }
});

test("a user is cut down to what pages need, with the roles of this application alone", async () => {
  const registrations = [
    { applicationId: "another", roles: ["admin"] },
    { applicationId, roles: ["customer", 1, null] },
  ];
  const user = {
    id: "u",
    email: "e@example.com",
    firstName: 1,
    password: "hash",
    twoFactor: {},
    registrations,
  };
  const { provider } = answering(json({ user, token: "t" }));
  expect(await provider.signIn(credentials)).toEqual({
    outcome: "signed-in",
    user: { id: "u", email: "e@example.com", roles: ["customer"] },
    accessToken: "t",
    refreshToken: null,
    refreshTokenId: null,
    passwordChangedAt: 0,
  });
});

test("credentials go in the body alone, to one address, with the key of the API", async () => {
  const { provider, heard } = answering(json({ user: { id: "u" } }), { tenantId: "the-tenant" });
  await provider.signIn(credentials);
  const [{ request, body } = { request: new Request("http://x"), body: "" }] = heard;
  expect(request.url).toBe("https://id.example.com/api/login");
  expect(request.redirect).toBe("manual");
  expect(Object.fromEntries(request.headers)).toEqual({
    accept: "application/json",
    authorization: "the key of the API",
    "content-type": "application/json",
    "x-fusionauth-tenantid": "the-tenant",
  });
  expect(JSON.parse(body)).toEqual({
    loginId: credentials.loginId,
    password: credentials.password,
    applicationId,
    ipAddress: "192.0.2.1",
    metaData: { device: { name: "Firefox", type: "BROWSER" } },
  });
});

test("renewal is the refresh-token grant with client credentials, never the key of the API (RFC 6749 §2.3.1, §6) (ASVS 10.2.3)", async () => {
  const { provider, heard } = answering(json({ access_token: "a", refresh_token: "r2" }));
  expect(await provider.refresh("r+1")).toEqual({
    outcome: "refreshed",
    accessToken: "a",
    refreshToken: "r2",
  });
  const [{ request, body } = { request: new Request("http://x"), body: "" }] = heard;
  expect(request.url).toBe("https://id.example.com/oauth2/token");
  const basic = Buffer.from(
    (request.headers.get("authorization") ?? "").replace("Basic ", ""),
    "base64",
  ).toString();
  expect(basic).toBe(`${applicationId}:s3cret%3Awith%2Fodd%20chars`);
  expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
    grant_type: "refresh_token",
    refresh_token: "r+1",
  });
});

test("a provider that does not rotate leaves the refresh token as it is", async () => {
  const { provider } = answering(json({ access_token: "a" }));
  expect(await provider.refresh("r1")).toMatchObject({ refreshToken: "r1" });
});

test("without client credentials, renewal is the JWT API, and only its own refusal of the token counts", async () => {
  const { clientSecret: _, ...withoutSecret } = { clientSecret: undefined };
  const refusing = (body: unknown) =>
    identityProvider(
      {
        url: "https://id.example.com",
        applicationId,
        apiKey: "k",
        ...withoutSecret,
        fetch: async () => json(body, 400)(),
      },
      { now: () => 0, elapsed: () => 0 },
      () => {},
    ).refresh("r");
  expect(await refusing({ fieldErrors: { refreshToken: [{ code: "[invalid]refreshToken" }] } })).toEqual({
    outcome: "invalid-grant",
  });
  for (const body of [
    {},
    { fieldErrors: { timeToLiveInSeconds: [] } },
    { generalErrors: [] },
    [],
    null,
    "refreshToken",
  ]) {
    await expect(refusing(body)).rejects.toThrow(IdentityProviderMisconfiguredError);
  }
});

test("ids in addresses are escaped", async () => {
  const { provider, heard } = answering(() => new Response(null, { status: 404 }));
  await provider.revoke("../user/1?x=");
  expect(await provider.retrieveUser("../../oauth2/token#")).toBeNull();
  expect(heard.map(({ request }) => new URL(request.url).pathname)).toEqual([
    "/api/jwt/refresh/..%2Fuser%2F1%3Fx%3D",
    "/api/user/..%2F..%2Foauth2%2Ftoken%23",
  ]);
});

test("an exception says what was asked, and no secret", async () => {
  const { provider } = answering(() => {
    throw new Error("socket hang up");
  });
  const error: unknown = await provider.refresh("the refresh token").catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(IdentityProviderUnavailableError);
  expect(String(error)).toContain("POST /oauth2/token");
  for (const hidden of ["the refresh token", "s3cret", "the key of the API"])
    expect(String(error)).not.toContain(hidden);
});
