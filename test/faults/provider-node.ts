// The provider as a process under test. What hashes of passwords are made of is tested elsewhere; here they would be much of the time.
import { registerHooks } from "node:module";
import { serve } from "@hono/node-server";
import type { IdpConfig } from "@latchkey/idp";
import type { Maintain } from "./node.ts";

const cheapHashes = new URL("../model/cheap-argon2.ts", import.meta.url).href;
registerHooks({
  resolve: (name, context, next) => next(name === "@node-rs/argon2" ? cheapHashes : name, context),
});
const { createIdp } = await import("@latchkey/idp");

/** What it needs. */
export type ProviderConfig = { port: number } & Pick<IdpConfig, "database" | "issuer" | "keys" | "kickstart">;

/** Starts it; answers what it does by itself: delivering. */
export async function start({ port, ...config }: ProviderConfig, now: () => number): Promise<Maintain> {
  const { database, issuer, keys, kickstart } = config;
  const idp = await createIdp({
    database,
    issuer,
    keys,
    ...(kickstart && { kickstart }),
    now,
    hashing: { queue: 200 },
  });
  await new Promise<void>((resolve) => {
    serve({ fetch: (request) => idp.fetch(request), port, hostname: "127.0.0.1" }, () => resolve());
  });
  return () => idp.deliverDue();
}
