// `npm run soak [-- --minutes 30 --rate 60 --stores embedded|servers]`: mixed traffic on the whole system for a long time, every outcome
// checked; memory, handles, event-loop delay and databases looked at every ten seconds. Writes soak/RESULTS.md and a chart; exits with 1 where
// something grows, or happened that must not. Ctrl-C ends it early, with results.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { number } from "./section.ts";
import { outcomes } from "./soak/outcomes.ts";
import { chart, isPassed, report } from "./soak/report.ts";
import { type Sample, sample } from "./soak/sample.ts";
import { startSoaking, type Stores } from "./soak/system.ts";
import { startTraffic } from "./soak/traffic.ts";

const options = {
  minutes: { type: "string", default: "30" },
  rate: { type: "string", default: "60" },
  stores: { type: "string", default: "embedded" },
  out: { type: "string", default: join(import.meta.dirname, "soak") },
  note: { type: "string", default: "" },
} as const;

const betweenLooks = 10_000;

const { values } = parseArgs({ options });
const stopped = new AbortController();
process.once("SIGINT", () => stopped.abort()).once("SIGTERM", () => stopped.abort());
process.exitCode = (await soak(Number(values.minutes), Number(values.rate), storesOf(values.stores))) ? 0 : 1;

async function soak(minutes: number, rate: number, stores: Stores): Promise<boolean> {
  const found = outcomes();
  await using system = await startSoaking(stores);
  const { server, idle } = system;
  const traffic = startTraffic({ ...system, rate, outcomes: found });
  const begun = performance.now();
  const looking = { server, idle, traffic, outcomes: found, databases: () => system.databases(), begun };
  const samples: Sample[] = [];
  while (performance.now() - begun < minutes * 60_000 && !stopped.signal.aborted) {
    await delay(betweenLooks, undefined, { signal: stopped.signal }).catch(() => {});
    samples.push(await sample(looking));
    console.log(line(samples));
    for (const wrong of found.wrong.slice(-3)) console.log(`  must not be: ${wrong}`);
  }
  await traffic.stop();
  const soaked = { samples, outcomes: found, about: about(stores, rate, values.note) };
  const file = stores === "embedded" ? "soak.svg" : "soak-servers.svg";
  writeFileSync(join(values.out, file), chart(samples));
  writeFileSync(
    join(values.out, stores === "embedded" ? "RESULTS.md" : "RESULTS-servers.md"),
    report(soaked, file),
  );
  console.log(isPassed(soaked) ? "flat" : "not passed");
  return isPassed(soaked);
}

function storesOf(value: string): Stores {
  if (value === "embedded" || value === "servers") return value;
  throw new Error(`--stores is embedded or servers, not "${value}"`);
}

function line(samples: readonly Sample[]): string {
  const last = samples.at(-1);
  if (last === undefined) return "";
  const { at, heap, rss, handles, files, late, idleLate, databases, counts, wrongCount } = last;
  const rows = Object.values(databases.rows).reduce((total, each) => total + each, 0);
  return [
    `${number(at)} s`,
    `heap ${number(heap / 1_048_576, 2)} MiB`,
    `rss ${number(rss / 1_048_576)} MiB`,
    `handles ${handles}`,
    `files ${files}`,
    `late p99 ${number(late.p99, 1)} most ${number(late.most, 1)} ms (idle ${number(idleLate.p99, 1)}, ${number(idleLate.most, 1)})`,
    `rows ${rows}`,
    `steps ${counts["step"] ?? 0}`,
    `renewals ${counts["renewal"] ?? 0}`,
    `thefts ${counts["theft found"] ?? 0}`,
    `wrong ${wrongCount}`,
  ].join("  ");
}

function about(stores: Stores, rate: number, note: string): string {
  const where =
    stores === "embedded"
      ? "everything in SQLite (sign-ins and the provider `synchronous=FULL`, sessions `NORMAL`)"
      : "sessions in Redis, the provider in Postgres (`fsync=on`, `synchronous_commit=on`)";
  return `Store, Forum and provider in one process, as \`npm start\` puts them together, metrics on; ${where}. ${rate} steps a second, a step one to
five requests, each on a connection of its own: pages of 120 honest browsers and 16 that are robbed, sign-ins, sign-outs, forms, two tabs at once, wrong
passwords, anonymous pages. A session is renewed every 5 s of use and idle after 20 s; a sign-in lasts 2 minutes at most. ${note}`.trim();
}
