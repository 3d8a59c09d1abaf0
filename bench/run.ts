// npm run bench: every scenario, or those that are named, one after the other; each is printed when it is done. A whole run (not --quick)
// also writes what it has found to RESULTS.md and charts/; a run of some scenarios replaces theirs there. Exits with 1 if a candidate does not do the
// work. A target that is missed is no failure: it stands in the table as missed.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { keep, printed } from "./report.ts";
import type { Scenario } from "./section.ts";

const scenarios: Readonly<Record<string, () => Promise<{ scenario: Scenario }>>> = {
  "page-redis": () => import("./scenarios/page-redis.ts"),
  "page-embedded": () => import("./scenarios/page-embedded.ts"),
  anonymous: () => import("./scenarios/anonymous.ts"),
  renewal: () => import("./scenarios/renewal.ts"),
  refresh: () => import("./scenarios/refresh.ts"),
  "sign-in": () => import("./scenarios/sign-in.ts"),
  growth: () => import("./scenarios/growth.ts"),
  revocation: () => import("./scenarios/revocation.ts"),
  "size-and-start": () => import("./scenarios/size-and-start.ts"),
};

const isQuick = process.argv.includes("--quick");
const named = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const unknown = named.filter((name) => !(name in scenarios));
if (unknown.length > 0) {
  console.error(`There is no scenario "${unknown[0]}". There are: ${Object.keys(scenarios).join(", ")}`);
  process.exit(2);
}
installPeers();
for (const [name, load] of Object.entries(scenarios)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const begun = performance.now();
  console.error(`${name} …`);
  const { scenario } = await load();
  const section = await scenario({ isQuick, say: (line) => console.error(line) });
  console.log(printed(section));
  console.error(`${name}: ${((performance.now() - begun) / 1_000).toFixed(0)} s\n`);
  if (!isQuick) keep(name, Object.keys(scenarios), section);
}
// What a peer has left open must not keep the bench waiting.
process.exit(0);

/** Peers are the bench's own dependencies, and nobody who uses the project gets them. */
function installPeers(): void {
  if (existsSync(join(import.meta.dirname, "node_modules", "better-auth"))) return;
  console.error("npm ci, for the peers …");
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: import.meta.dirname, stdio: "inherit" });
}
