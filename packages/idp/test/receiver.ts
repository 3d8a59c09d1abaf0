// A receiver of webhooks on this machine: a real listener that keeps what it was sent and answers as the test says.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createLocalJWKSet, jwtVerify, type JWTPayload } from "jose";
import { afterEach } from "vitest";
import { API_KEY, ISSUER, startIdp, type TestIdp } from "./idp.ts";

/** One request that arrived. */
export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  raw: string;
  // A test looks into whatever came; a wrong shape fails its expectation.
  // oxlint-disable-next-line typescript/no-explicit-any
  event: any;
}

/** What a receiver answers: a status, with a location, or nothing at all as long as the promise is pending. */
export type Answering = (received: Received) => Promise<number | { status: number; location: string }>;

export interface Receiver {
  url: string;
  port: number;
  received: Received[];
  /** Assign to change what is answered from now on. */
  answering: Answering;
  /** Of the events that were answered with 200. */
  taken: Received[];
  close(): Promise<void>;
}

const open: Receiver[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** Listens on a port of its own, or on `port`, until the test ends. */
export async function startReceiver(port = 0): Promise<Receiver> {
  const server = createServer((request, response) => void answer(request, response));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const raw = Buffer.concat(chunks).toString("utf8");
    const { method = "", url: path = "", headers } = request;
    const one = { method, path, headers, raw, event: raw === "" ? null : JSON.parse(raw).event };
    receiver.received.push(one);
    const said = await receiver.answering(one);
    const { status, ...more } = typeof said === "number" ? { status: said } : said;
    if (status === 200) receiver.taken.push(one);
    response.writeHead(status, { ...more }).end();
  };
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const actual = typeof address === "object" && address !== null ? address.port : 0;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${actual}/webhooks`,
    port: actual,
    received: [],
    taken: [],
    answering: async () => 200,
    async close() {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
  open.push(receiver);
  return receiver;
}

/** All the types there are. */
export const EVERY_TYPE = {
  "jwt.refresh-token.revoke": true,
  "jwt.refresh-token.reuse": true,
  "user.deactivate": true,
  "user.reactivate": true,
  "user.delete": true,
  "user.password.update": true,
  "user.email.update": true,
  "user.identity.update": true,
  "user.login.success": true,
  "user.login.failed": true,
  "user.login.new-device": true,
};

/** All but those of sign-ins, which a test makes only to have something to end. */
export const ENDINGS = {
  ...EVERY_TYPE,
  "user.login.success": false,
  "user.login.failed": false,
  "user.login.new-device": false,
};

/** Creates a webhook that leads to the receiver, and answers its id. */
export async function subscribe(
  idp: TestIdp,
  receiver: Pick<Receiver, "url">,
  more: object = {},
): Promise<string> {
  const webhook = { url: receiver.url, global: true, eventsEnabled: ENDINGS, ...more };
  const { status, body, text } = await idp.call("POST", "/api/webhook", { key: API_KEY, json: { webhook } });
  if (status !== 200) throw new Error(`The webhook was not created: ${text}`);
  return body.webhook.id;
}

/** The types that arrived, in their order. */
export function types(received: readonly Received[]): string[] {
  return received.map(({ event }) => event.type);
}

/** The claims of the signature, verified with somebody else's library against the provider's published keys. */
export async function verified(idp: TestIdp, { headers }: Received): Promise<JWTPayload> {
  const { body: keys } = await idp.call("GET", "/.well-known/jwks.json", { key: null });
  const token = String(headers["x-fusionauth-signature-jwt"]);
  const options = { issuer: ISSUER, currentDate: new Date(idp.clock.now) };
  return (await jwtVerify(token, createLocalJWKSet(keys), options)).payload;
}

/** A provider, and a receiver that hears of all endings unless told otherwise. */
export async function told(config: Parameters<typeof startIdp>[0] = {}, webhook: object = {}) {
  const idp = await startIdp(config);
  const receiver = await startReceiver();
  await subscribe(idp, receiver, webhook);
  return { idp, receiver };
}

/** Waits for what is due and answers the events that arrived since the last time. */
export async function arrived(idp: TestIdp, receiver: Receiver) {
  await idp.idp.deliverDue();
  return receiver.received.splice(0).map(({ event }) => event);
}
