// Latchkey's provider over HTTP, as `latchkey-idp serve` serves it. DATABASE: a path, or the address of a Postgres; CLOCK: "<from> <times>" for
// a clock that runs fast.
import { once } from "node:events";
import { serve } from "@hono/node-server";
import { present } from "../candidate.ts";
import { fastClock, startProvider } from "./provider.ts";

const { DATABASE = ":memory:", CLOCK, PEOPLE = "32" } = process.env;

process.on("SIGTERM", () => process.exit(0));

const [from = 0, times = 1] = CLOCK?.split(" ").map(Number) ?? [];
const clock = CLOCK === undefined ? undefined : fastClock(from, times);
const {
  idp,
  families,
  options: _,
  ...registered
} = await startProvider({ database: DATABASE, people: Number(PEOPLE), now: clock });
const server = serve({
  fetch: (request, { incoming }) => idp.fetch(request, { address: incoming.socket.remoteAddress }),
  hostname: "127.0.0.1",
  port: 0,
  serverOptions: { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 },
});
await once(server, "listening");
const address = server.address();

present({
  port: typeof address === "object" && address !== null ? address.port : 0,
  versions: { node: process.versions.node },
  answers: {
    registered: () => registered,
    families: (argument) => {
      const { by, grace, count } = argument as { by: "grant" | "jwt"; grace: boolean; count: number };
      return families(grace ? registered.applicationId : registered.withoutGrace, by, count);
    },
  },
});
