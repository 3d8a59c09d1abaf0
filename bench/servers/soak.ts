// The whole of `npm start` in one process, as start.ts puts it together, with its metrics on: what is measured by the soak. Its variables are
// those of `npm start`.
import { readEnvironment } from "../../start/environment.ts";
import { startSystem } from "../../start/system.ts";
import { startTelemetry } from "../../start/telemetry.ts";
import { present } from "../candidate.ts";

const environment = readEnvironment(process.env);
const errors: string[] = [];
const telemetry = await startTelemetry(process.env);
const system = await startSystem(environment, { onError: (error) => errors.push(String(error)) });
process.once("SIGTERM", () => {
  const close = async () => {
    await system.close();
    await telemetry.close();
    process.exit(0);
  };
  void close();
});

present({
  port: environment.ports.store,
  answers: {
    // What an application could not handle: there must be none.
    errors: () => errors.splice(0),
    lifetimes: () => system.lifetimes,
    metrics: () => telemetry.metrics,
  },
});
