/**
 * `npm start`: the whole system on embedded stores, or one node of it, and what a newcomer needs to know of it, printed.
 * `npm start -- --set-up` sets the applications up at the provider, and ends.
 */
import { parseArgs } from "node:util";
import { type Environment, readEnvironment } from "./start/environment.ts";
import { EnvironmentError, SetUpError } from "./start/errors.ts";
import { lifetimeTable } from "./start/lifetimes.ts";
import { setUpAlone, startSystem, type System } from "./start/system.ts";
import { startTelemetry } from "./start/telemetry.ts";

// The databases hold e-mail addresses and password hashes: what is made from here on is its owner's alone.
process.umask(0o077);

const argumentsAllowed = { options: { "set-up": { type: "boolean", default: false } } } as const;

const seams = {
  onError: (error: unknown) => console.error(error),
  onWaiting: (line: string) => console.error(`waiting: ${line}`),
};

try {
  const isSetUpAlone = parseArgs(argumentsAllowed).values["set-up"];
  const environment = readEnvironment(process.env);
  if (isSetUpAlone) await setUpAlone(environment, seams);
  else await serve(environment);
} catch (error) {
  const expected = error instanceof EnvironmentError || error instanceof SetUpError;
  console.error(expected ? error.message : error);
  process.exitCode = 1;
}

async function serve(environment: Environment): Promise<void> {
  const telemetry = await startTelemetry(process.env);
  const system = await startSystem(environment, seams).catch(async (error: unknown) => {
    await telemetry.close();
    throw error;
  });
  // Once: a second signal ends the process the way signals do.
  const stop = (signal: NodeJS.Signals) => {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    // Who presses a key at a terminal has no proxy to wait for.
    const close = async () => {
      await (signal === "SIGINT" ? system.close() : system.leave());
      await telemetry.close();
    };
    void close();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  console.log(greeting(environment, system, telemetry.metrics));
  if (await system.ready) console.log("ready: press Ctrl-C to stop");
}

function greeting(environment: Environment, { origins, lifetimes }: System, metrics: string | null): string {
  const row = (name: string, value: string | null | undefined) =>
    value ? `${name.padEnd(19)}${value}\n` : "";
  const addresses =
    row("Store", origins.store) +
    row("Forum", origins.forum) +
    row("Identity provider", origins.idp) +
    row("Outbox", origins.outbox) +
    row("Metrics", metrics);
  const accounts = `
Demo accounts      ada@example.com    notes on the analytical engine
                   grace@example.com  first actual case of bug found
`;
  return `
${addresses}${environment.provider === null ? accounts : ""}
Workflow ${environment.workflow}, policy ${environment.policy}
${lifetimeTable(environment, lifetimes)
  .map((line) => `  ${line}`)
  .join("\n")}
`;
}
