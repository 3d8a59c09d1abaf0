/** `npm start`: the whole system on embedded stores, and what a newcomer needs to know of it, printed. */
import { EnvironmentError, readEnvironment } from "./start/environment.ts";
import { lifetimeTable } from "./start/lifetimes.ts";
import { ProviderSetupError } from "./start/provider.ts";
import { startSystem } from "./start/system.ts";

// The databases hold e-mail addresses and password hashes: what is made from here on is its owner's alone.
process.umask(0o077);

try {
  const environment = readEnvironment(process.env);
  const system = await startSystem(environment, { onError: (error) => console.error(error) });
  const { origins, lifetimes } = system;

  const stop = () => {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    void system.close();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);

  console.log(`
Store              ${origins.store}
Forum              ${origins.forum}
Identity provider  ${origins.idp}
${origins.outbox === null ? "" : `Outbox             ${origins.outbox}\n`}
Demo accounts      ada@example.com    notes on the analytical engine
                   grace@example.com  first actual case of bug found

Workflow ${environment.workflow}, policy ${environment.policy}
${lifetimeTable(environment, lifetimes)
  .map((line) => `  ${line}`)
  .join("\n")}
`);
  console.log("ready: press Ctrl-C to stop");
} catch (error) {
  const expected = error instanceof EnvironmentError || error instanceof ProviderSetupError;
  console.error(expected ? error.message : error);
  process.exitCode = 1;
}
