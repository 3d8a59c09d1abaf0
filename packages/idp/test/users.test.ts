import { describe, expect, test } from "vitest";
import {
  ALICE,
  ALICE_EMAIL,
  ALICE_PASSWORD,
  login,
  refreshGrant,
  seeded,
  startIdp,
  STORE_APP,
} from "./idp.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";
const PHRASE = "a fine long phrase";

describe("create", () => {
  test("FusionAuth's client creates a user with an id of its own choice", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    const id = "AAAAAAAA-0000-4000-8000-000000000001";
    const { response } = await client.createUser(id, {
      user: { email: "Bob@Example.com", password: PHRASE, firstName: "Bob", data: { plan: "gold" } },
    });
    expect(response.user).toMatchObject({
      id: id.toLowerCase(),
      email: "bob@example.com",
      firstName: "Bob",
      data: { plan: "gold" },
      active: true,
      verified: false,
      insertInstant: idp.clock.now,
    });
    expect((await login(idp, { loginId: "bob@example.com", password: PHRASE })).status).toBe(202);
  });

  test("an answer to creating a user signs nobody in", async () => {
    const idp = await startIdp();
    const { body, cookies } = await idp.call("POST", "/api/user/", { json: { user: { username: "carol" } } });
    expect(body).not.toHaveProperty("token");
    expect(cookies).toEqual([]);
  });

  test("only documented members are taken over (CWE-915)", async () => {
    const idp = await startIdp();
    const user = {
      email: "bob@example.com",
      active: false,
      verified: true,
      roles: ["admin"],
      tenantId: NOBODY,
      isAdmin: 1,
    };
    const { body } = await idp.call("POST", "/api/user", { json: { user } });
    expect(body.user).toMatchObject({ active: true, verified: false, registrations: [] });
    expect(body.user.tenantId).not.toBe(NOBODY);
    expect(body.user).not.toHaveProperty("isAdmin");
  });

  test("e-mail address and username are unique in any case, and so are ids", async () => {
    const idp = await startIdp();
    const create = (user: object, id = "") => idp.call("POST", `/api/user/${id}`, { json: { user } });
    const email = await create({ email: "ALICE@example.com" });
    expect(email.body.fieldErrors["user.email"][0].code).toBe("[duplicate]user.email");
    const username = await create({ username: "ALICE" });
    expect(username.body.fieldErrors["user.username"][0].code).toBe("[duplicate]user.username");
    const id = await create({ username: "someone" }, ALICE);
    expect(id.body.fieldErrors["user.id"][0].code).toBe("[duplicate]user.id");
  });

  test("of 50 parallel creations of one address one succeeds", async () => {
    const idp = await startIdp();
    const json = { user: { email: "race@example.com" } };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => idp.call("POST", "/api/user", { json })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(49);
  });

  test("somebody without address and username could never sign in", async () => {
    const idp = await startIdp();
    for (const user of [{}, { email: "" }, { email: null, username: "" }]) {
      const { status, body } = await idp.call("POST", "/api/user", { json: { user } });
      expect([status, body.fieldErrors["user.email"][0].code]).toEqual([400, "[blank]user.email"]);
    }
    for (const email of ["alice", "a@b@c", "a b@c.d", "a@b.c\r\nBcc: x@y.z", "<a@b.c>"]) {
      const { status, body } = await idp.call("POST", "/api/user", { json: { user: { email } } });
      expect([status, body.fieldErrors["user.email"][0].code]).toEqual([400, "[notEmail]user.email"]);
    }
  });

  test("with several tenants the caller must say which", async () => {
    const idp = await startIdp();
    const { body } = await idp.call("POST", "/api/tenant", { json: { tenant: { name: "Other" } } });
    const json = { user: { email: ALICE_EMAIL } };
    const unsaid = await idp.call("POST", "/api/user", { json });
    expect(unsaid.body.generalErrors[0].code).toBe("[TenantIdRequired]");
    const headers = { "x-fusionauth-tenantid": body.tenant.id };
    const said = await idp.call("POST", "/api/user", { json, headers });
    // The same address in another tenant is another user.
    expect([said.status, said.body.user.tenantId]).toEqual([200, body.tenant.id]);
    expect((await idp.call("GET", `/api/user/${ALICE}`, { headers })).status).toBe(404);
  });
});

describe("retrieve", () => {
  test("FusionAuth's client finds a user by id, address, username and login id", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    const found = await Promise.all([
      client.retrieveUser(ALICE),
      client.retrieveUserByEmail("Alice@Example.com"),
      client.retrieveUserByUsername("ALICE"),
      client.retrieveUserByLoginId("alice"),
      client.retrieveUserByLoginIdWithLoginIdTypes("alice", ["email", "username"]),
    ]);
    expect(found.map(({ response }) => response.user?.id)).toEqual(Array.from({ length: 5 }, () => ALICE));
    await expect(client.retrieveUser(NOBODY)).rejects.toMatchObject({ statusCode: 404 });
    await expect(client.retrieveUserByLoginIdWithLoginIdTypes("alice", ["email"])).rejects.toMatchObject({
      statusCode: 404,
    });
  });

  test("an access token shows its owner, and nobody by id", async () => {
    const idp = await startIdp();
    const { body: signedIn } = await login(idp);
    for (const scheme of ["Bearer", "JWT"]) {
      const headers = { authorization: `${scheme} ${signedIn.token}` };
      expect((await idp.call("GET", "/api/user", { headers })).body.user.id).toBe(ALICE);
      expect((await idp.call("GET", `/api/user/${ALICE}`, { headers })).status).toBe(401);
    }
    await idp.call("DELETE", `/api/user/${ALICE}`);
    const headers = { authorization: `Bearer ${signedIn.token}` };
    expect((await idp.call("GET", "/api/user", { headers })).status).toBe(401);
  });

  test("an access token from before a change of password shows nobody any more (ASVS 7.4.3)", async () => {
    const idp = await startIdp();
    const { body: before } = await login(idp);
    idp.clock.now += 1_000;
    const password = "another fine phrase";
    await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password } } });
    const { body: after } = await login(idp, { password });
    const ask = (token: string) =>
      idp.call("GET", "/api/user", { headers: { authorization: `Bearer ${token}` } });
    expect([(await ask(before.token)).status, (await ask(after.token)).status]).toEqual([401, 200]);
  });

  test("nothing to look for is a 400, no credentials a 401", async () => {
    const idp = await startIdp();
    expect((await idp.call("GET", "/api/user?email=null")).status).toBe(400);
    const { status, text, headers } = await idp.call("GET", `/api/user/${ALICE}`, { key: null });
    expect([status, text, headers.get("content-type")]).toEqual([401, "", null]);
  });
});

describe("update", () => {
  test("PUT replaces the profile and keeps the password", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    const { response } = await client.updateUser(ALICE, {
      user: { email: ALICE_EMAIL, lastName: "Liddell" },
    });
    expect(response.user).toMatchObject({ lastName: "Liddell" });
    expect(response.user).not.toHaveProperty("firstName");
    expect(response.user).not.toHaveProperty("username");
    expect((await login(idp)).status).toBe(200);
  });

  test("PATCH merges, and null removes (RFC 7396)", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    await client.patchUser(ALICE, { user: { data: { a: 1, nested: { keep: true, drop: true } } } });
    const patch = { user: { firstName: null, data: { a: 2, nested: { drop: null } } } };
    const type = { "content-type": "application/merge-patch+json" };
    const { body } = await idp.call("PATCH", `/api/user/${ALICE}`, { json: patch, headers: type });
    expect(body.user.data).toEqual({ a: 2, nested: { keep: true } });
    expect(body.user).not.toHaveProperty("firstName");
    expect(body.user).toMatchObject({ email: ALICE_EMAIL, username: "alice" });
  });

  test("of 20 parallel patches of different members none is lost", async () => {
    const idp = await startIdp();
    const names = Array.from({ length: 8 }, (_, index) => `member${index}`);
    await Promise.all(
      names.map((name) =>
        idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { data: { [name]: true } } } }),
      ),
    );
    const { body } = await idp.call("GET", `/api/user/${ALICE}`);
    expect(Object.keys(body.user.data).toSorted()).toEqual(names);
  });

  test("a new password ends all of the user's refresh tokens, and only the new one signs in", async () => {
    const idp = await startIdp();
    const { body: signedIn } = await login(idp);
    expect(
      (await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password: PHRASE } } })).status,
    ).toBe(200);
    expect((await refreshGrant(idp, signedIn.refreshToken)).body.error).toBe("invalid_grant");
    expect((await login(idp)).status).toBe(404);
    expect((await login(idp, { password: PHRASE })).status).toBe(200);
  });

  test("a profile change ends nothing", async () => {
    const idp = await startIdp();
    const { body: signedIn } = await login(idp);
    await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { lastName: "L" } } });
    expect((await refreshGrant(idp, signedIn.refreshToken)).status).toBe(200);
  });

  test("a tenant can keep sign-ins over a password change", async () => {
    const idp = await startIdp();
    const { body } = await idp.call("GET", "/api/tenant");
    const jwtConfiguration = { refreshTokenRevocationPolicy: { onPasswordChanged: false } };
    await idp.call("PATCH", `/api/tenant/${body.tenants[0].id}`, { json: { tenant: { jwtConfiguration } } });
    const { body: signedIn } = await login(idp);
    await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password: PHRASE } } });
    expect((await refreshGrant(idp, signedIn.refreshToken)).status).toBe(200);
  });

  test("a new e-mail address is not verified because the old one was", async () => {
    const idp = await startIdp();
    const vouched = await idp.call("PATCH", `/api/user/${ALICE}`, {
      json: { skipVerification: true, user: { lastName: "L" } },
    });
    expect(vouched.body.user.verified).toBe(true);
    const moved = await idp.call("PATCH", `/api/user/${ALICE}`, {
      json: { user: { email: "new@example.com" } },
    });
    expect(moved.body.user.verified).toBe(false);
  });

  test("somebody else's address is refused and nothing changes", async () => {
    const idp = await startIdp();
    await idp.call("POST", "/api/user", { json: { user: { email: "bob@example.com" } } });
    const { status, body } = await idp.call("PATCH", `/api/user/${ALICE}`, {
      json: { user: { email: "bob@example.com" } },
    });
    expect([status, body.fieldErrors["user.email"][0].code]).toEqual([400, "[duplicate]user.email"]);
    expect((await login(idp)).status).toBe(200);
  });
});

describe("deactivate, reactivate, delete", () => {
  test("FusionAuth's client locks a user, whose tokens end for good", async () => {
    const idp = await startIdp();
    const { body: signedIn } = await login(idp);
    const client = await idp.client();
    await client.deactivateUser(ALICE);
    expect((await refreshGrant(idp, signedIn.refreshToken)).body.error).toBe("invalid_grant");
    expect((await client.retrieveUser(ALICE)).response.user?.active).toBe(false);
    const { response } = await client.reactivateUser(ALICE);
    expect(response.user?.active).toBe(true);
    expect((await refreshGrant(idp, signedIn.refreshToken)).body.error).toBe("invalid_grant");
    expect((await login(idp)).status).toBe(200);
  });

  test("a locked user's token is refused even where the tenant does not revoke it", async () => {
    const idp = await startIdp();
    const { body } = await idp.call("GET", "/api/tenant");
    const jwtConfiguration = { refreshTokenRevocationPolicy: { onLoginPrevented: false } };
    await idp.call("PATCH", `/api/tenant/${body.tenants[0].id}`, { json: { tenant: { jwtConfiguration } } });
    const { body: signedIn } = await login(idp);
    await idp.call("DELETE", `/api/user/${ALICE}`);
    const refused = await refreshGrant(idp, signedIn.refreshToken);
    expect(refused.body).toMatchObject({ error: "invalid_grant", error_reason: "user_locked" });
    await idp.call("PUT", `/api/user/${ALICE}?reactivate=true`);
    expect((await refreshGrant(idp, signedIn.refreshToken)).status).toBe(200);
  });

  test("a deleted user is gone with all that was his, and the address is free", async () => {
    const idp = await startIdp();
    const { body: signedIn } = await login(idp);
    const client = await idp.client();
    await client.deleteUser(ALICE);
    expect((await refreshGrant(idp, signedIn.refreshToken)).body.error).toBe("invalid_grant");
    expect((await login(idp)).status).toBe(404);
    await expect(client.deleteUser(ALICE)).rejects.toMatchObject({ statusCode: 404 });
    expect((await client.createUser("", { user: { email: ALICE_EMAIL } })).statusCode).toBe(200);
  });

  test("hardDelete may stand in the body", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    await client.deleteUserWithRequest(ALICE, { hardDelete: true });
    await expect(client.retrieveUser(ALICE)).rejects.toMatchObject({ statusCode: 404 });
  });

  test("a word that is no truth value does not delete", async () => {
    const idp = await startIdp();
    expect((await idp.call("DELETE", `/api/user/${ALICE}?hardDelete=yes`)).status).toBe(400);
    expect((await login(idp)).status).toBe(200);
  });
});

test("what is deleted while it is being changed is a 4xx, never a 5xx", async () => {
  const idp = await startIdp();
  for (let round = 0; round < 10; round += 1) {
    const { body } = await idp.call("POST", "/api/user", {
      json: { user: { email: `r${round}@example.com` } },
    });
    const path = `/api/user/${body.user.id}`;
    const answers = await Promise.all([
      idp.call("POST", `/api/user/registration/${body.user.id}`, {
        json: { registration: { applicationId: STORE_APP } },
      }),
      idp.call("DELETE", `${path}?hardDelete=true`),
      idp.call("PATCH", path, { json: { user: { lastName: "L" } } }),
      idp.call("DELETE", path),
    ]);
    for (const { status } of answers) expect([200, 404]).toContain(status);
    expect((await idp.call("GET", path)).status).toBe(404);
  }
});

describe("registrations", () => {
  test("FusionAuth's client creates user and registration in one step, or neither", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    const user = { email: "bob@example.com", password: ALICE_PASSWORD };
    const none: string = JSON.parse("null");
    const wrong = { user, registration: { applicationId: STORE_APP, roles: ["king"] } };
    await expect(client.register(none, wrong)).rejects.toMatchObject({
      statusCode: 400,
      exception: { fieldErrors: { "registration.roles": [{ code: "[invalid]registration.roles" }] } },
    });
    await expect(client.retrieveUserByEmail(user.email)).rejects.toMatchObject({ statusCode: 404 });
    const { response } = await client.register(none, { user, registration: { applicationId: STORE_APP } });
    expect(response.registration?.roles).toEqual(["customer"]);
    expect((await login(idp, { loginId: user.email })).status).toBe(200);
  });

  test("an existing user registers once", async () => {
    const idp = await startIdp();
    const json = { registration: { applicationId: STORE_APP } };
    const again = await idp.call("POST", `/api/user/registration/${ALICE}/`, { json });
    expect([again.status, again.body.fieldErrors.registration[0].code]).toEqual([
      400,
      "[duplicate]registration",
    ]);
    expect((await idp.call("POST", `/api/user/registration/${NOBODY}`, { json })).status).toBe(404);
    const unknown = { registration: { applicationId: NOBODY } };
    expect((await idp.call("POST", `/api/user/registration/${ALICE}`, { json: unknown })).status).toBe(400);
  });

  test("PUT takes away what it does not name, PATCH only what it names", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    await client.patchRegistration(ALICE, {
      registration: { applicationId: STORE_APP, data: { theme: "dark" } },
    });
    const patched = (await client.retrieveRegistration(ALICE, STORE_APP)).response.registration;
    expect(patched).toMatchObject({ data: { theme: "dark" } });
    expect(patched?.roles?.toSorted()).toEqual(["admin", "customer"]);
    await client.updateRegistration(ALICE, { registration: { applicationId: STORE_APP } });
    const replaced = (await client.retrieveRegistration(ALICE, STORE_APP)).response.registration;
    expect(replaced).toMatchObject({ data: {}, roles: [] });
  });

  test("a body that names another application than the path changes neither", async () => {
    const idp = await startIdp();
    const path = `/api/user/registration/${ALICE}/${STORE_APP}`;
    const json = { registration: { applicationId: NOBODY, roles: [] } };
    expect((await idp.call("PUT", path, { json })).status).toBe(400);
    expect((await idp.call("PATCH", path, { json })).status).toBe(400);
    expect((await idp.call("PATCH", path, { json: { registration: { data: { a: 1 } } } })).status).toBe(200);
  });

  test("deleting a registration ends the user's tokens for that application only", async () => {
    const idp = await startIdp({ kickstart: seeded() });
    const { body: signedIn } = await login(idp);
    const client = await idp.client();
    await client.deleteRegistration(ALICE, STORE_APP);
    expect((await refreshGrant(idp, signedIn.refreshToken)).body.error).toBe("invalid_grant");
    expect((await login(idp)).status).toBe(202);
    await expect(client.deleteRegistration(ALICE, STORE_APP)).rejects.toMatchObject({ statusCode: 404 });
    // Registering again does not wake the old token.
    await client.register(ALICE, { registration: { applicationId: STORE_APP } });
    expect((await refreshGrant(idp, signedIn.refreshToken)).body.error).toBe("invalid_grant");
  });
});
