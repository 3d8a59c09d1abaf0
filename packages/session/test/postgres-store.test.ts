// The Postgres store keeps the contract whole.
import { afterAll, afterEach, beforeAll, beforeEach, describe, test, vi } from "vitest";
import { type PostgresServer, startPostgres } from "../../../test/servers/postgres.ts";
import { sessionStoreConformance } from "../src/store/conformance.ts";
import { postgresHarness } from "./postgres-harness.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ durable: true });
});
afterAll(() => server.remove());

sessionStoreConformance(
  postgresHarness(() => server),
  { describe, test, beforeEach, afterEach },
);
