import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KickstartInvalidError } from "../src/errors.ts";
import { parseKickstart } from "../src/kickstart.ts";

const apiKeys = [{ key: "a key of this test" }];
const tenantId = "30663132-6464-4665-b032-326466613934";

/** The body of the one request of a file with these variables. */
function bodyOf(body: object, variables: object = {}, environment: Record<string, string> = {}): unknown {
  const requests = [{ method: "POST", url: "/api/user", body }];
  return parseKickstart({ variables, apiKeys, requests }, environment).requests[0]?.body;
}

function refusal(file: unknown, environment: Record<string, string> = {}): KickstartInvalidError {
  try {
    parseKickstart(file, environment);
  } catch (error) {
    if (error instanceof KickstartInvalidError) return error;
    throw error;
  }
  return expect.unreachable("the file was accepted");
}

function restricted(method: string, endpoint = "/api/user"): object {
  return { key: "k", permissions: { endpoints: { [endpoint]: [method] } } };
}

function outcome(file: unknown): string {
  try {
    return parseKickstart(file, { A: "a" }).apiKeys.length > 0 ? "kickstart" : "nothing";
  } catch (error) {
    return error instanceof KickstartInvalidError ? "refused" : String(error);
  }
}

describe("a kickstart file", () => {
  test("is read as FusionAuth reads it", () => {
    const file = {
      variables: { apiKey: "#{ENV.API_KEY}", tenant: tenantId, url: "/api/tenant/#{tenant}" },
      apiKeys: [
        { key: "#{apiKey}", description: "primary", keyManager: true },
        { key: "second", tenantId: "#{tenant}", permissions: { endpoints: { "/api/user": ["GET"] } } },
      ],
      requests: [
        { method: "POST", url: "#{url}", body: { tenant: { name: "Aviato" } } },
        {
          method: "PATCH",
          url: "/api/application/#{tenant}",
          tenantId: "#{tenant}",
          contentType: "application/json",
        },
      ],
      licenseId: "ignored",
      settings: { readTimeout: 7000 },
    };
    expect(parseKickstart(file, { API_KEY: "from outside" })).toEqual({
      apiKeys: [
        { key: "from outside", description: "primary", keyManager: true },
        { key: "second", tenantId, permissions: { endpoints: { "/api/user": ["GET"] } } },
      ],
      requests: [
        { method: "POST", url: `/api/tenant/${tenantId}`, body: { tenant: { name: "Aviato" } } },
        { method: "PATCH", url: `/api/application/${tenantId}`, tenantId },
      ],
    });
  });

  test("may have no requests and no variables", () => {
    expect(parseKickstart({ apiKeys })).toEqual({ apiKeys, requests: [] });
  });

  test.each([
    ["the file", null],
    ["the file", []],
    ["the file", "{}"],
    ["variables", { variables: [], apiKeys }],
    ["apiKeys", {}],
    ["apiKeys", { apiKeys: [] }],
    ["apiKeys[0].key", { apiKeys: [{ key: "" }] }],
    ["apiKeys[0].id", { apiKeys: [{ key: "k", id: "not a uuid" }] }],
    ["apiKeys[0].permissions.endpoints./api/user[0]", { apiKeys: [restricted("EVERYTHING")] }],
    ["apiKeys[0].permissions.endpoints.api/user", { apiKeys: [restricted("GET", "api/user")] }],
    ["apiKeys[0]", { apiKeys: [{ key: "k", ipAccessControlListId: tenantId }] }],
    ["apiKeys[1].key", { apiKeys: [{ key: "k" }, { key: "k" }] }],
    ["requests[0].method", { apiKeys, requests: [{ method: "DELETE", url: "/api/user" }] }],
    ["requests[0].body", { apiKeys, requests: [{ method: "POST", url: "/api/user", body: [] }] }],
    ["requests[0].tenantId", { apiKeys, requests: [{ method: "POST", url: "/api/user", tenantId: "x" }] }],
    [
      "requests[0].contentType",
      {
        apiKeys,
        requests: [{ method: "PATCH", url: "/api/user", contentType: "application/json-patch+json" }],
      },
    ],
    ["the file", { apiKeys, request: [] }],
  ])("is refused with the place: %s", (place, file) => {
    expect(refusal(file)).toMatchObject({ code: "kickstart-invalid", place });
  });

  test.each([
    "api/user",
    "//evil.example/api/user",
    "/\\evil.example",
    "http://evil.example/",
    "/api/user\r\nX-Injected: 1",
    "/api/user/a b",
    "/api/user\u0000",
    "/api/user#fragment",
  ])("may only send requests to a path of the provider, not to %j", (url) => {
    expect(refusal({ apiKeys, requests: [{ method: "POST", url }] }).place).toBe("requests[0].url");
    const smuggled = { variables: { url }, apiKeys, requests: [{ method: "POST", url: "#{url}" }] };
    expect(refusal(smuggled).place).toBe("requests[0].url");
  });

  test("says no value in a refusal", () => {
    const requests = [{ method: "POST", url: "/api/#{ENV.SECRET}", body: "#{ENV.SECRET}" }];
    expect(refusal({ apiKeys, requests }, { SECRET: "hush hush" }).message).not.toContain("hush");
  });
});

describe("variables", () => {
  test("stand in any text, several times, and keep their type where they stand alone", () => {
    const variables = { name: "Monica", age: 7, admin: true, roles: ["a"], data: { x: null } };
    const body = { a: "#{name} is #{age}, #{admin}; #{name}", b: ["#{age}", "#{roles}"], c: "#{data}" };
    const expected = { a: "Monica is 7, true; Monica", b: [7, ["a"]], c: { x: null } };
    expect(bodyOf(body, variables)).toEqual(expected);
  });

  test("see the variables before them only", () => {
    expect(bodyOf({ a: "#{b}" }, { a: "1", b: "#{a}2" })).toEqual({ a: "12" });
    expect(() => bodyOf({}, { b: "#{a}2", a: "1" })).toThrow(/variables\.b: variable a is not defined/);
    expect(() => bodyOf({}, { a: "#{a}" })).toThrow(/variables\.a: variable a is not defined/);
  });

  test("UUID() is another UUID each time it stands", () => {
    let last = 0;
    const uuid = () => `00000000-0000-4000-8000-${String(++last).padStart(12, "0")}`;
    const requests = [{ method: "POST", url: "/api/user/#{id}", body: { a: "#{UUID()}", b: "#{id}" } }];
    const { requests: read } = parseKickstart(
      { variables: { id: "#{UUID()}" }, apiKeys, requests },
      {},
      uuid,
    );
    expect(read).toEqual([
      {
        method: "POST",
        url: "/api/user/00000000-0000-4000-8000-000000000001",
        body: { a: "00000000-0000-4000-8000-000000000002", b: "00000000-0000-4000-8000-000000000001" },
      },
    ]);
  });

  test.each([
    ["#{nobody}", "variable nobody is not defined"],
    ["hello #{nobody}", "variable nobody is not defined"],
    ["#{ENV.NOBODY}", "environment variable NOBODY is not set"],
    ["#{ENV.constructor}", "environment variable constructor is not set"],
    ["#{__proto__}", "variable __proto__ is not defined"],
    ["#{FUSIONAUTH_APPLICATION_ID}", "FUSIONAUTH_APPLICATION_ID is FusionAuth's own"],
    ["#{FUSIONAUTH_TENANT_ID}", "FUSIONAUTH_TENANT_ID is FusionAuth's own"],
    ["#{uuid()}", "variable uuid() is not defined"],
    ["#{list} in a text", "variable list is no text"],
    ["#{open", "is not ended"],
    ["#{a#{list}}", "is not ended"],
    ["@{mail.html}", "includes of other files are not supported"],
    ["&{request.json}", "includes of other files are not supported"],
  ])("%s is refused with its name and place", (text, what) => {
    const failing = () => bodyOf({ user: { names: ["fine", text] } }, { list: [] });
    expect(failing).toThrow(KickstartInvalidError);
    expect(failing).toThrow(`requests[0].body.user.names[1]: `);
    expect(failing).toThrow(what);
  });

  test.each(["tenantManagerApplicationId", "UUID()", "ENV.X", "a}b", ""])("none may be called %j", (name) => {
    expect(refusal({ variables: { [name]: "x" }, apiKeys }).place).toMatch(/^variables/);
  });

  test("defaultTenantId names the default tenant, and must be able to", () => {
    const id = "D7D09513-a3f5-401c-9685-34ab6c552453";
    const requests = [{ method: "PATCH", url: "/api/tenant/#{defaultTenantId}", body: {} }];
    const kickstart = parseKickstart({ variables: { defaultTenantId: id }, apiKeys, requests });
    expect(kickstart.defaultTenantId).toBe(id.toLowerCase());
    expect(kickstart.requests[0]?.url).toBe(`/api/tenant/${id}`);
    expect(parseKickstart({ apiKeys, requests: [] })).not.toHaveProperty("defaultTenantId");
    expect(refusal({ variables: { defaultTenantId: "default" }, apiKeys }).place).toBe(
      "variables.defaultTenantId",
    );
  });

  test("a backslash makes a reference a text", () => {
    const body = { a: "\\#{x} \\@{y} \\&{z} \\#{", b: "C:\\dir #{x}" };
    expect(bodyOf(body, { x: "1" })).toEqual({ a: "#{x} @{y} &{z} #{", b: "C:\\dir 1" });
  });
});

describe("for any input", () => {
  const text = fc.stringMatching(/^([a-z#@&{}\\ ]|#\{(a|UUID\(\)|ENV\.A)\})*$/);
  const json = fc.jsonValue();

  test("what is put in is never read again", () => {
    fc.assert(
      fc.property(text, text, (value, around) => {
        const plain = around.replaceAll(/[#@&\\]/g, "");
        const body = { a: `${plain}#{ENV.A}${plain}`, b: "#{ENV.A}", c: "#{v}" };
        const expected = { a: plain + value + plain, b: value, c: value };
        expect(bodyOf(body, { v: "#{ENV.A}" }, { A: value })).toEqual(expected);
      }),
    );
  });

  test("a text without a reference or include is unchanged", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        fc.pre(!/[#@&]\{/.test(value));
        expect(bodyOf({ value })).toEqual({ value });
      }),
    );
  });

  test("JSON becomes a kickstart or a KickstartInvalidError, never another throw", () => {
    const requests = fc.array(
      fc.record({ method: json, url: fc.oneof(text, json), body: json }, { requiredKeys: [] }),
    );
    const file = fc.record({ variables: json, apiKeys: fc.oneof(json, fc.constant(apiKeys)), requests });
    fc.assert(
      fc.property(fc.oneof(json, file, fc.dictionary(text, text)), (value) => {
        expect(outcome(value)).toMatch(/^(kickstart|refused)$/);
      }),
    );
  });

  test("nesting without end is refused", () => {
    const deep: unknown = JSON.parse(`{"apiKeys":${"[".repeat(50_000)}${"]".repeat(50_000)}}`);
    expect(refusal(deep).message).toContain("levels deep");
    expect(refusal({ variables: { a: deep }, apiKeys }).message).toContain("levels deep");
  });

  test("__proto__ is a member like any other and changes no prototype", () => {
    const body: object = JSON.parse(
      '{"__proto__": {"polluted": "#{v}"}, "constructor": {"prototype": {"polluted": 1}}}',
    );
    const variables: object = JSON.parse('{"v": "x", "__proto__": {"apiKeys": 1}}');
    const read = bodyOf(body, variables);
    expect(JSON.stringify(read)).toBe(JSON.stringify(body).replace("#{v}", "x"));
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    const file: unknown = JSON.parse('{"__proto__": {"apiKeys": [{"key": "k"}]}}');
    expect(refusal(file).place).toBe("apiKeys");
  });
});
