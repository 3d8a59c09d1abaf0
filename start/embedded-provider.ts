/** The provider of `npm start`, in this process, with demo accounts: for trying things out, never for production. */
import { getRequestListener } from "@hono/node-server";
import { createIdp, type MailConfig, parseKickstart } from "@latchkey/idp";
import { type Building, ownDatabase } from "./building.ts";
import demo from "./demo.kickstart.json" with { type: "json" };
import { EnvironmentError } from "./errors.ts";
import { listen } from "./listen.ts";
import { createOutbox } from "./outbox.ts";
import type { Provider } from "./provider.ts";

/** Starts it on loopback; throws EnvironmentError if it can't be. */
export async function startEmbeddedProvider(building: Building): Promise<Provider> {
  const { environment, secrets, open } = building;
  const port = environment.ports.idp;
  const url = `http://localhost:${port}`;
  const idp = await createProvider(building, url);
  open.defer(() => idp.close());
  // Guesses without an API key are counted by where they come from.
  const handler = getRequestListener((request, { incoming }) =>
    idp.fetch(request, { address: incoming.socket.remoteAddress }),
  );
  await listen({ variable: "IDP_PORT", port, handler }, open);
  return { url, apiKey: secrets.apiKey, fetch: (request) => idp.fetch(request) };
}

async function createProvider(building: Building, issuer: string) {
  const { environment, secrets, now } = building;
  const variables = {
    API_KEY: secrets.apiKey,
    STORE_CLIENT_SECRET: secrets.storeClientSecret,
    FORUM_CLIENT_SECRET: secrets.forumClientSecret,
  };
  const config = {
    database: environment.database ?? ownDatabase(building, "idp"),
    issuer,
    keys: [{ id: "1", secret: secrets.idpKey }],
    kickstart: parseKickstart(demo, variables),
    mail: await startMail(building),
    ...(now && { now }),
  };
  return createIdp(config).catch((cause: unknown) => {
    if (environment.database === null) throw cause;
    throw new EnvironmentError("DATABASE_URL", cause instanceof Error ? cause.message : "can't be used", {
      cause,
    });
  });
}

/** Where the provider's mail goes: to a server, or else to a page that shows it. */
async function startMail({ environment, open, now = Date.now }: Building): Promise<MailConfig> {
  const { from, smtp } = environment.mail;
  if (smtp !== null) return { from, smtp };
  const port = environment.ports.outbox;
  const outbox = createOutbox(port, now);
  await listen({ variable: "OUTBOX_PORT", port, handler: outbox.answer }, open);
  return { from, send: outbox.send };
}
