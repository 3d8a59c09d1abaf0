/** The provider's webhooks, from outside: overheard on their way to somebody, sent again, made up. */
import { hash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { type Answer, callApi, Client } from "./client.ts";
import { localServer } from "./local-server.ts";
import { elsewhere } from "./people.ts";
import type { Target } from "./target.ts";

/** A webhook as it is on the wire. */
export interface Webhook {
  readonly body: string;
  /** The value of the signature's header; `null` for none. */
  readonly signature: string | null;
}

/** One that was overheard. */
export interface Overheard extends Webhook {
  readonly signature: string;
}

const header = "x-fusionauth-signature-jwt";
const types = ["jwt.refresh-token.revoke", "user.password.update", "user.login.success"];
const patience = 10_000;

/** Has the provider tell the attacker, too, while `does` runs; `next` waits for the next webhook of a type. */
export async function withWebhooksOverheard<Value>(
  target: Target,
  does: (next: (type: string) => Promise<Overheard>) => Promise<Value>,
): Promise<Value> {
  const heard: Overheard[] = [];
  const server = await localServer(({ headers, body }, response) => {
    heard.push({ body: body.toString(), signature: String(headers[header]) });
    response.end();
  });
  const json = {
    webhook: {
      url: `${server.origin}/overheard`,
      global: true,
      eventsEnabled: Object.fromEntries(types.map((type) => [type, true])),
    },
  };
  const authorization = target.secret("apiKey");
  try {
    const { status } = await callApi(target.origins.idp, "POST", "/api/webhook", { authorization, json });
    if (status !== 200) throw new Error(`The provider answered ${status} for a webhook`);
    return await does((type) => nextOf(heard, type));
  } finally {
    await server.close();
  }
}

async function nextOf(heard: readonly Overheard[], type: string): Promise<Overheard> {
  for (let waited = 0; waited < patience; waited += 50) {
    const found = heard.find(({ body }) => body.includes(`"type":"${type}"`));
    if (found !== undefined) return found;
    await setTimeout(50);
  }
  throw new Error(`The provider sent no ${type}`);
}

/** Sends a webhook to an application. */
export function sendWebhook(origin: string, { body, signature }: Webhook): Promise<Answer> {
  return new Client(origin, elsewhere).send("POST", "/webhooks/identity-provider", {
    body,
    headers: { "content-type": "application/json", origin: null, [header]: signature },
  });
}

/** Base64 of the body's SHA-256, as a signature names it. */
export function bodyHash(body: string): string {
  return hash("sha256", body, "base64");
}

/** Whose sign-ins a made-up event ends. */
export interface Victim {
  readonly userId: string;
  readonly signInId: string;
  readonly applicationId: string;
  /** When it is said to have happened, epoch milliseconds. */
  readonly at: number;
}

/** Bodies that would end the victim's sign-in: it alone, all of theirs, everybody's, or because the user is no more. */
export function endingEvents({ userId, signInId: id, applicationId, at: createInstant }: Victim): string[] {
  const user = { id: userId };
  const events = [
    { type: "jwt.refresh-token.revoke", userId, refreshToken: { id, userId, applicationId } },
    { type: "jwt.refresh-token.revoke", userId },
    { type: "jwt.refresh-token.revoke", applicationId },
    { type: "user.deactivate", user },
    { type: "user.delete", user },
    { type: "user.password.update", user },
  ];
  return events.map((event, index) =>
    JSON.stringify({
      event: { ...event, id: `00000000-0000-4000-8000-00000000000${index}`, createInstant },
    }),
  );
}
