// npm run timing [-- SAMPLES]: can a stranger tell by the clock which login ids exist (CWE-208, ASVS 6.3.8)? Signs in with a wrong password and
// as nobody, in random order, over real HTTP against a process of its own with a database on disk, and compares the two samples.
// The throttle stays on: there are as many login ids as keep each within its free failures, and as many addresses. Exits with 1
// when the samples differ with p < 0.001 by either test. It is no part of npm test: a busy machine only makes it slower, not wrong.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SAMPLES = Math.max(500, Number(process.argv[2] ?? 600));
// One less than are free, so that no sample is a 429.
const PER_LOGIN_ID = 4;
const PER_ADDRESS = 10;
const WARM_UP = 40;
const DIFFERENT = 0.001;

const API_KEY = randomBytes(32).toString("base64url");
const APPLICATION = "5d562fea-9ba9-4d5c-b4a3-e57bb254d6db";
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

type Kind = "unknown user" | "wrong password";
interface Sample {
  kind: Kind;
  loginId: string;
  ipAddress: string;
}

const folder = mkdtempSync(join(tmpdir(), "latchkey-timing-"));
const provider = await started(folder);
try {
  process.exitCode = (await measured(provider.port)) ? 0 : 1;
} finally {
  agent.destroy();
  provider.process.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function measured(port: number): Promise<boolean> {
  const users = Math.ceil(SAMPLES / PER_LOGIN_ID);
  for (let index = 0; index < users; index += 1) await registered(port, loginIdOf("wrong password", index));
  for (let index = 0; index < WARM_UP; index += 1) await timed(port, warmUp(index));
  const times: Record<Kind, number[]> = { "unknown user": [], "wrong password": [] };
  for (const sample of shuffled(plan())) times[sample.kind].push(await timed(port, sample));
  return report(times);
}

// Login ids of one length, so that nothing but existing tells them apart.
function loginIdOf(kind: Kind, index: number): string {
  return `${kind === "unknown user" ? "nobody" : "person"}${String(index).padStart(4, "0")}@example.com`;
}

function plan(): Sample[] {
  const kinds: Kind[] = ["unknown user", "wrong password"];
  return kinds.flatMap((kind) =>
    Array.from({ length: SAMPLES }, (_, index) => ({
      kind,
      loginId: loginIdOf(kind, Math.floor(index / PER_LOGIN_ID)),
      ipAddress: "",
    })),
  );
}

function warmUp(index: number): Sample {
  return { kind: "unknown user", loginId: `warm-up${index}@example.com`, ipAddress: "" };
}

// Addresses follow the order of asking, not the kind.
function shuffled(samples: Sample[]): Sample[] {
  for (let index = samples.length - 1; index > 0; index -= 1) {
    const other = randomInt(index + 1);
    const [a, b] = [samples[index], samples[other]];
    if (a !== undefined && b !== undefined) [samples[index], samples[other]] = [b, a];
  }
  return samples.map((sample, index) => {
    const number = Math.floor(index / PER_ADDRESS);
    return { ...sample, ipAddress: `10.1.${number >> 8}.${number & 0xff}` };
  });
}

async function timed(port: number, { loginId, ipAddress }: Sample): Promise<number> {
  const body = { loginId, password: "certainly not the password", applicationId: APPLICATION, ipAddress };
  const before = process.hrtime.bigint();
  const status = await post(port, "/api/login", body);
  const milliseconds = Number(process.hrtime.bigint() - before) / 1e6;
  if (status !== 404) throw new Error(`A wrong sign-in was answered ${status}, not 404`);
  return milliseconds;
}

async function registered(port: number, email: string): Promise<void> {
  const user = { email, password: randomBytes(16).toString("base64url") };
  const registration = { applicationId: APPLICATION };
  const status = await post(port, "/api/user/registration", { user, registration });
  if (status !== 200) throw new Error(`A registration was answered ${status}`);
}

function post(port: number, path: string, body: object): Promise<number> {
  const headers = { authorization: API_KEY, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const sent = request({ port, path, agent, headers, host: "127.0.0.1", method: "POST" }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
    });
    sent.once("error", reject);
    sent.end(JSON.stringify(body));
  });
}

async function started(folder: string): Promise<{ port: number; process: ChildProcess }> {
  const port = await freePort();
  const kickstart = join(folder, "kickstart.json");
  const application = { name: "Timing", loginConfiguration: { generateRefreshTokens: true } };
  const requests = [{ method: "POST", url: `/api/application/${APPLICATION}`, body: { application } }];
  writeFileSync(kickstart, JSON.stringify({ apiKeys: [{ key: API_KEY }], requests }));
  const main = join(import.meta.dirname, "../src/main.ts");
  const child = spawn(process.execPath, ["--conditions=latchkey-source", main], {
    env: {
      ...process.env,
      PORT: String(port),
      DATABASE: join(folder, "idp.sqlite"),
      KICKSTART: kickstart,
      KEYS: `timing:${randomBytes(32).toString("base64url")}`,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  for (let wait = 0; wait < 100; wait += 1) {
    if (child.exitCode !== null) break;
    if ((await post(port, "/api/login", {}).catch(() => 0)) > 0) return { port, process: child };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill();
  throw new Error("The provider did not start");
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function report(times: Record<Kind, number[]>): boolean {
  console.log("milliseconds      samples  quartile    median  quartile");
  for (const [kind, values] of Object.entries(times)) {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2);
    const columns = [String(values.length), at(0.25), at(0.5), at(0.75)].map((text) => text.padStart(9));
    console.log(kind.padEnd(15), columns.join(" "));
  }
  const [a, b] = [times["unknown user"], times["wrong password"]];
  const rank = mannWhitney(a, b);
  const shape = kolmogorovSmirnov(a, b);
  console.log(`Mann–Whitney U: p = ${rank.toFixed(4)}; Kolmogorov–Smirnov: p = ${shape.toFixed(4)}`);
  const alike = rank >= DIFFERENT && shape >= DIFFERENT;
  console.log(alike ? "They can't be told apart." : `They CAN be told apart (p < ${DIFFERENT}).`);
  return alike;
}

// Two-sided, by the normal approximation; times in nanoseconds have no ties worth a correction.
function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, isA: true })), ...b.map((value) => ({ value, isA: false }))];
  const ranks = all.toSorted((x, y) => x.value - y.value);
  const rankSum = ranks.reduce((sum, { isA }, index) => (isA ? sum + index + 1 : sum), 0);
  const u = rankSum - (a.length * (a.length + 1)) / 2;
  const mean = (a.length * b.length) / 2;
  const deviation = Math.sqrt((mean * (a.length + b.length + 1)) / 6);
  return 2 * normalTail(Math.abs(u - mean) / deviation);
}

// Abramowitz and Stegun 26.2.17: right to 7.5e-8.
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const factors = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const series = factors.reduce((sum, factor, index) => sum + factor * t ** (index + 1), 0);
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

function kolmogorovSmirnov(a: readonly number[], b: readonly number[]): number {
  const below = (values: readonly number[], limit: number): number =>
    values.filter((value) => value <= limit).length / values.length;
  const distance = Math.max(...[...a, ...b].map((limit) => Math.abs(below(a, limit) - below(b, limit))));
  const root = Math.sqrt((a.length * b.length) / (a.length + b.length));
  const lambda = (root + 0.12 + 0.11 / root) * distance;
  let p = 0;
  for (let k = 1; k <= 100; k += 1) p += 2 * (-1) ** (k - 1) * Math.exp(-2 * k * k * lambda * lambda);
  return Math.min(1, Math.max(0, p));
}
