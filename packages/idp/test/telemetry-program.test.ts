// LOG_LEVEL, METRICS_PORT and METRICS_HOST of both programs: `latchkey-idp` and `npm start`.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { printed } from "../../../test/leak-watch.ts";
import { startTelemetry as ofApplications } from "../../../start/telemetry.ts";
import { linesOf } from "../../session/test/telemetry-observer.ts";
import { startTelemetry as ofProvider } from "../src/program/telemetry.ts";

const programs = [
  ["latchkey-idp", ofProvider, "../src/program/telemetry.ts", "info"],
  ["npm start", ofApplications, "../../../start/telemetry.ts", "silent"],
] as const;

let stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops) await stop();
  stops = [];
});

async function portInUse(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  stops.push(() => server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** What a process prints that starts the telemetry with these variables, and a provider. */
async function printedBy(module: string, variables: Record<string, string>): Promise<string> {
  const script = `
    import { startTelemetry } from "${new URL(module, import.meta.url).href}";
    import { createIdp } from "${new URL("../src/index.ts", import.meta.url).href}";
    const telemetry = await startTelemetry(${JSON.stringify(variables)});
    const idp = await createIdp({ database: ":memory:", issuer: "http://idp.test", keys: [{ id: "k", secret: "${"k".repeat(40)}" }] });
    await idp.close();
    await telemetry.close();
  `;
  const args = ["--conditions=latchkey-source", "--input-type=module", "-e", script];
  return printed((await promisify(execFile)(process.execPath, args)).stdout);
}

describe.each(programs)("%s", (_, startTelemetry, module, defaultLevel) => {
  test("serves metrics on a port of its own, on loopback, and nothing else there", async () => {
    const telemetry = await startTelemetry({ METRICS_PORT: "0", LOG_LEVEL: "silent" });
    stops.push(() => telemetry.close());
    const url = telemetry.metrics ?? "";
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const response = await fetch(url);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).toContain("latchkey_idp_logins_total");
    expect(text).toContain("nodejs_eventloop_lag_seconds");
    expect((await fetch(url, { method: "POST" })).status).toBe(405);
    expect((await fetch(new URL("/", url))).status).toBe(404);
    await telemetry.close();
    stops = [];
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  test("serves no metrics where no port is named", async () => {
    const telemetry = await startTelemetry({ METRICS_PORT: "", LOG_LEVEL: "silent" });
    expect(telemetry.metrics).toBeNull();
    await telemetry.close();
  });

  test.each([
    [{ LOG_LEVEL: "loud" }, /^LOG_LEVEL: .*fatal, error, warn, info, debug, trace, silent/],
    [{ METRICS_PORT: "70000" }, /^METRICS_PORT: .*0 to 65535/],
    [{ METRICS_PORT: "http" }, /^METRICS_PORT: .*0 to 65535/],
    [{ METRICS_PORT: "0", METRICS_HOST: "203.0.113.1" }, /^METRICS_HOST: .*203\.0\.113\.1/],
  ])("%j stops the start in one line that names the variable", async (variables, message) => {
    await expect(startTelemetry({ LOG_LEVEL: "silent", ...variables })).rejects.toThrow(message);
  });

  test("a port that is taken is named", async () => {
    const port = String(await portInUse());
    const started = startTelemetry({ LOG_LEVEL: "silent", METRICS_PORT: port });
    await expect(started).rejects.toThrow(/^METRICS_PORT: .*in use/);
  });

  test(`writes lines of JSON where LOG_LEVEL says so; not set, it is ${defaultLevel}`, async () => {
    const notDefault = defaultLevel === "silent" ? "info" : "silent";
    const [byDefault, set] = await Promise.all([
      printedBy(module, {}),
      printedBy(module, { LOG_LEVEL: notDefault }),
    ]);
    const [silent, text] = defaultLevel === "silent" ? [byDefault, set] : [set, byDefault];
    expect(silent).toBe("");
    const lines = linesOf(text);
    expect(lines.map((line) => line["event.name"])).toEqual(["latchkey.idp.signing-key-rotated"]);
    expect(lines[0]).toMatchObject({ level: "info", time: expect.stringMatching(/^\d{4}-.*Z$/) });
  });
});

test("npm start counts the library too, and no provider where that runs elsewhere", async () => {
  const telemetry = await ofApplications({ METRICS_PORT: "0", IDP_URL: "https://idp.example.com" });
  stops.push(() => telemetry.close());
  const text = await (await fetch(telemetry.metrics ?? "")).text();
  expect(text).toContain("latchkey_session_sign_ins_total");
  expect(text).not.toContain("latchkey_idp_");
});
