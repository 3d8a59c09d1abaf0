// Pages by the thousand: wrk in a closed loop, on the core of the load. Each connection goes through the browsers' cookies in turn.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { provide } from "../test/servers/machine.ts";
import { loadCore } from "./running.ts";

/** What was answered. Latencies are milliseconds, at saturation: compare them within a table only. */
export interface Load {
  readonly requests: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers that are not 2xx or 3xx, and those that never came. */
  readonly failed: number;
}

/** What to ask. */
export interface Asked {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  /** A Cookie header each; none: no cookie at all. */
  readonly cookies: readonly string[];
  readonly seconds: number;
  readonly connections: number;
}

/** Asks for a page as fast as it is answered, for so many seconds. */
export async function load({ port, host, path, cookies, seconds, connections }: Asked): Promise<Load> {
  const program = provide({ variable: "WRK_PATH", names: ["wrk"], debian: "wrk" });
  if (program.path === null) throw new Error(program.reason);
  const folder = mkdtempSync(join(tmpdir(), "latchkey-bench-"));
  try {
    const script = join(folder, "load.lua");
    writeFileSync(script, scriptFor(host, path, cookies));
    const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, `http://127.0.0.1:${port}`];
    const { stdout } = await promisify(execFile)("taskset", ["-c", String(loadCore), program.path, ...args]);
    const [requests = 0, micros = 0, p50 = 0, p99 = 0, failed = 0] = (
      /^figures (.*)$/m.exec(stdout)?.[1] ?? ""
    )
      .split(" ")
      .map(Number);
    return { requests, seconds: micros / 1e6, p50: p50 / 1e3, p99: p99 / 1e3, failed };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// Requests are written beforehand: the generator shares its core with Redis.
function scriptFor(host: string, path: string, cookies: readonly string[]): string {
  const headers = `Host: ${host}\\r\\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\\r\\nAccept: text/html\\r\\n`;
  const request = (cookie: string) =>
    `"GET ${path} HTTP/1.1\\r\\n${headers}${cookie === "" ? "" : `Cookie: ${cookie}\\r\\n`}\\r\\n"`;
  const requests = (cookies.length === 0 ? [""] : cookies).map(request);
  return `local requests = {\n${requests.join(",\n")}\n}
local next = 0
function request()
  next = next % #requests + 1
  return requests[next]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("figures %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;
}
