// Runs vitest on the fixtures, each of which does one thing wrong, and reads what the run says of them.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { countsFileVariable } from "./closing-line.ts";

async function run(fixtures: readonly string[], CI: string) {
  const { [countsFileVariable]: _, ...inherited } = process.env;
  const env = { ...inherited, CI, NO_COLOR: "1" };
  const config = join(import.meta.dirname, "fixtures/vitest.config.ts");
  const vitest = join(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--config", config, ...fixtures], { env });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, output: stdout + stderr, lastLine: stdout.trimEnd().split("\n").at(-1) };
}

describe("a run of the tests", () => {
  test("fails for every secret that was written and every cookie that breaks the rule (ASVS 3.3.1, 3.3.2, 3.3.3, 3.3.4)", async () => {
    const { code, output, lastLine } = await run(["clean", "leaks", "breaks"], "");
    for (const line of [
      "corr… (28 characters) from secret() occurs raw in console.log",
      "from a member named refreshToken occurs base64 in an event on latchkey:session",
      "from a member named password occurs raw in descriptor 1",
      "cookie session: must be HttpOnly",
    ]) {
      expect(output).toContain(line);
    }
    expect(output).not.toMatch(/FAIL .*clean/);
    expect(code).toBe(1);
    expect(lastLine).toBe("5 passed, 4 failed, 0 skipped");
  });

  test("counts a file that cannot be collected as failed, though no test of it failed", async () => {
    const { code, lastLine } = await run(["fails"], "");
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^0 passed, [12] failed, 0 skipped$/);
  });

  test("names what was skipped and why, and fails for it where CI=true", async () => {
    const atHome = await run(["skipped"], "");
    expect(atHome.code).toBe(0);
    expect(atHome.lastLine).toBe("0 passed, 0 failed, 2 skipped");
    expect(atHome.output).toContain("cannot run here: no Chromium on this machine");

    const inCi = await run(["skipped"], "true");
    expect(inCi.code).toBe(1);
    expect(inCi.output).toContain("was never written: marked todo");
    expect(inCi.lastLine).toBe("0 passed, 0 failed, 2 skipped");
  });

  test("without any test is a failed run", async () => {
    const { code, lastLine } = await run(["no-such-file"], "");
    expect(code).toBe(1);
    expect(lastLine).toBe("0 passed, 1 failed, 0 skipped");
  });
});
