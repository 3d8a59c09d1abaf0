// Whose address counts where proxies stand between: what a stranger writes changes nothing, what our own proxies add tells the
// client. One function and, at the end, real requests.
import { serve } from "@hono/node-server";
import fc from "fast-check";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createIdp } from "../src/index.ts";
import { trustedProxies } from "../src/trusted-proxies.ts";
import {
  ALICE_EMAIL,
  ALICE_PASSWORD,
  API_KEY,
  ISSUER,
  KEYS,
  login,
  seeded,
  startIdp,
  STORE_APP,
} from "./idp.ts";

const receive = trustedProxies(["10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48", "loopback"]);

function arriving(
  peer: string | undefined,
  forwarded?: string,
): { address: string | null; said: string | null } {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  const { request, address } = receive(new Request("http://idp.test/api/login", { headers }), peer);
  return { address, said: request.headers.get("x-forwarded-for") };
}

const address = fc.oneof(fc.ipV4(), fc.ipV6());
const stranger = address.filter(
  (one) => !/^(10|127|192)\.|^2001:0?db8:|::|^0+:|ffff/i.test(one) || one.startsWith("192.168."),
);
const proxy = fc.constantFrom(
  "10.1.2.3",
  "192.0.2.7",
  "2001:db8:1:2::3",
  "127.0.0.1",
  "::1",
  "::ffff:10.9.9.9",
);
const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: null });
// What proxies write of an address.
const written = (one: string, at: number | null): string => {
  if (at === null) return one;
  return one.includes(":") ? `[${one}]:${at}` : `${one}:${at}`;
};
const headerText = fc.string({
  unit: fc.constantFrom(...Array.from("0123456789abcdef.:,[] %x-")),
  maxLength: 60,
});

describe("the client's address", () => {
  test("is the connection's other end where that is no trusted proxy, whatever the header says", () => {
    fc.assert(
      fc.property(stranger, fc.oneof(headerText, address, proxy), (peer, header) => {
        const { address, said } = arriving(peer, header);
        expect(address).toBe(peer);
        expect(said).toBe(new Headers({ a: header }).get("a"));
      }),
    );
  });

  test("is the right-most one that no trusted proxy added; what stands left of it changes nothing and is handed on", () => {
    fc.assert(
      fc.property(
        stranger,
        port,
        fc.array(proxy, { maxLength: 3 }),
        proxy,
        headerText,
        (client, at, chain, peer, junk) => {
          const own = [written(client, at), ...chain];
          const left = new Headers({ a: junk }).get("a") ?? "";
          const header = left === "" ? own.join(", ") : `${left}, ${own.join(", ")}`;
          const arrival = arriving(peer, header);
          expect(arrival.address).toBe(client);
          const plain = (text: string | null): string => (text ?? "").replaceAll(/\s/g, "");
          expect(plain(arrival.said)).toBe(plain(left));
        },
      ),
    );
  });

  test("is never the word of a stranger behind a proxy, not even of one who names a trusted proxy", () => {
    expect(arriving("10.0.0.1", "203.0.113.5, 10.0.0.9, 198.51.100.1")).toEqual({
      address: "198.51.100.1",
      said: "203.0.113.5, 10.0.0.9",
    });
  });

  test.each([
    ["no header", "10.0.0.1", undefined, "10.0.0.1"],
    ["an empty header", "10.0.0.1", "", "10.0.0.1"],
    ["only proxies of ours", "10.0.0.1", "10.0.0.2, 127.0.0.1", "10.0.0.2"],
    ["an IPv4 peer in IPv6 form", "::ffff:10.0.0.1", "203.0.113.5", "203.0.113.5"],
    ["brackets without a port", "10.0.0.1", "[2001:db8:ffff::1]", "2001:db8:ffff::1"],
    ["a zone", "10.0.0.1", "fe80::1%www.example.com", "fe80::1"],
    ["what is no address where the proxy wrote", "10.0.0.1", "203.0.113.5, unknown", null],
    ["a port too long", "10.0.0.1", "203.0.113.5:123456", null],
    ["an address cut off", "10.0.0.1", "203.0.113", null],
    ["an empty entry", "10.0.0.1", "203.0.113.5,", "10.0.0.1"],
    ["no peer", undefined, "203.0.113.5", null],
  ])("with %s: %s said %j", (_, peer, header, expected) => {
    expect(arriving(peer, header).address).toBe(expected);
  });
});

test.each([
  "10.0.0.0/33",
  "10.0.0",
  "host",
  "2001:db8::/129",
  "10.0.0.0/8/8",
  "",
  "0.0.0.0/0",
  "::/0",
  "::ffff:0:0/96",
  "::/8",
  "fe80::1%eth0",
])("a list with %j is refused at construction, by name", async (range) => {
  const config = { database: ":memory:", issuer: ISSUER, keys: KEYS, trustedProxies: ["10.0.0.1", range] };
  await expect(createIdp(config)).rejects.toThrow('"trustedProxies"');
});

/** How many guesses at others an address may make before it waits. */
async function refusedAfter(ask: (index: number) => Promise<{ status: number }>): Promise<number> {
  for (let index = 0; index < 40; index += 1) if ((await ask(index)).status === 429) return index;
  return 40;
}

const guess = (index: number): object => ({
  loginId: `nobody${index}@example.com`,
  password: "wrong",
  applicationId: STORE_APP,
});
const open = { loginConfiguration: { requireAuthentication: false, generateRefreshTokens: true } };

test("behind a proxy each client has a count of its own, and none gets another by what he writes", async () => {
  const { idp } = await startIdp({ trustedProxies: ["10.0.0.0/8"], kickstart: seeded({ store: open }) });
  const asking = (forwarded: (index: number) => string, peer = "10.0.0.1") =>
    refusedAfter((index) => {
      const headers = { "content-type": "application/json", "x-forwarded-for": forwarded(index) };
      const body = JSON.stringify(guess(index));
      return idp.fetch(new Request(`${ISSUER}/api/login`, { method: "POST", headers, body }), {
        address: peer,
      });
    });
  expect(await asking((index) => `203.0.113.${index}, 198.51.100.1`)).toBe(20);
  expect(await asking(() => "198.51.100.2")).toBe(20);
  // Past the proxy.
  expect(await asking((index) => `203.0.113.${index}`, "198.51.100.3")).toBe(20);
  expect(await asking((index) => `203.0.113.${index}`)).toBe(40);
});

test("an application with an API key behind the proxy says for whom it calls; its own address is nobody's", async () => {
  const idp = await startIdp({ trustedProxies: ["10.0.0.0/8"] });
  const asking = (header: (index: number) => string) =>
    refusedAfter(async (index) => {
      const headers = {
        authorization: API_KEY,
        "content-type": "application/json",
        "x-forwarded-for": header(index),
      };
      const body = JSON.stringify({ ...guess(index), loginId: `${header(0)}${index}@example.com` });
      const request = new Request(`${ISSUER}/api/login`, { method: "POST", headers, body });
      return idp.idp.fetch(request, { address: "10.0.0.1" });
    });
  // The proxy added the application's address; the application said the user's, or nothing.
  expect(await asking(() => "203.0.113.9, 198.51.100.7")).toBe(20);
  expect(await asking(() => "198.51.100.7")).toBe(40);
  const { body } = await login(idp, { ipAddress: "203.0.113.10" });
  const { body: kept } = await idp.call("GET", `/api/jwt/refresh/${body.refreshTokenId}`);
  expect(kept.refreshToken.metaData.device.lastAccessedAddress).toBe("203.0.113.10");
});

test("nobody changes the scheme of cookies or documents by a header, trusted proxy or not", async () => {
  const spoken = {
    "x-forwarded-proto": "http",
    "x-forwarded-host": "evil.example.com",
    "x-forwarded-port": "80",
    forwarded: "for=203.0.113.1;proto=http;host=evil.example.com",
  };
  const issuer = "https://idp.example.com";
  const idp = await startIdp({ trustedProxies: ["loopback"], issuer });
  const ask = (path: string, headers: Record<string, string>, body?: object) => {
    const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
    return idp.idp.fetch(new Request(`http://127.0.0.1${path}`, init), { address: "127.0.0.1" });
  };
  const discovery = "/.well-known/openid-configuration";
  expect(await (await ask(discovery, spoken)).text()).toBe(await (await ask(discovery, {})).text());
  const json = { authorization: API_KEY, "content-type": "application/json" };
  const credentials = { loginId: ALICE_EMAIL, password: ALICE_PASSWORD, applicationId: STORE_APP };
  const cookies = (await ask("/api/login", { ...json, ...spoken }, credentials)).headers.getSetCookie();
  expect(cookies.length).toBeGreaterThan(0);
  for (const cookie of cookies) expect(cookie).toMatch(/; Secure/);
});

test("a body comes through a listener whose proxy is trusted", async () => {
  const { idp } = await startIdp({ trustedProxies: ["loopback"] });
  const url = await new Promise<string>((resolve) => {
    const server = serve(
      {
        fetch: (request, { incoming }) => idp.fetch(request, { address: incoming.socket.remoteAddress }),
        port: 0,
        hostname: "127.0.0.1",
      },
      ({ port }: AddressInfo) => resolve(`http://127.0.0.1:${port}`),
    );
    onTestFinished(() => void server.close());
  });
  const headers = {
    authorization: API_KEY,
    "content-type": "application/json",
    "x-forwarded-for": "203.0.113.77, 198.51.100.7",
  };
  const body = JSON.stringify({ loginId: ALICE_EMAIL, password: ALICE_PASSWORD, applicationId: STORE_APP });
  const answer = await fetch(`${url}/api/login`, { method: "POST", headers, body });
  expect(answer.status).toBe(200);
});
