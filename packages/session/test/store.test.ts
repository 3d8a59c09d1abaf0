// The stores that need no server keep the contract whole; the suite that says so runs on other runners as well.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sessionStoreConformance } from "../src/store/conformance.ts";
import { memoryHarness } from "./memory-harness.ts";
import { sqliteHarness } from "./sqlite-harness.ts";

// Ten thousand sign-ins are ten thousand times to the disk.
vi.setConfig({ testTimeout: 60_000 });

sessionStoreConformance(memoryHarness(), { describe, test, beforeEach, afterEach });
sessionStoreConformance(sqliteHarness(), { describe, test, beforeEach, afterEach });

test("the conformance suite runs on node:test, as it does here", async () => {
  const file = join(import.meta.dirname, "conformance-on-node-test.ts");
  const node = promisify(execFile);
  const { stdout } = await node(process.execPath, [
    "--conditions=latchkey-source",
    "--test-reporter=tap",
    file,
  ]);
  expect(stdout).toMatch(/^# pass [5-9]\d$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
  expect(stdout).toMatch(/^# skipped 0$/m);
});
