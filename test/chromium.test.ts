import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { provideChromium } from "./chromium.ts";
import type { Machine } from "./servers/machine.ts";

const folder = mkdtempSync(join(tmpdir(), "latchkey-chromium-"));
afterAll(() => rmSync(folder, { recursive: true }));

function executable(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, "");
  chmodSync(path, 0o755);
  return path;
}

function machine(overrides: Partial<Machine>): Machine {
  const run: Machine["run"] = () => expect.unreachable("no command may run");
  return { environment: { PATH: folder }, isRoot: true, run, ...overrides };
}

describe("providing Chromium", () => {
  test("says why there is none, and runs no command, without apt-get", () => {
    expect(provideChromium(machine({}))).toEqual({
      path: null,
      reason: expect.stringContaining("no chromium"),
    });
  });

  test("does not install as anyone but root", () => {
    executable("apt-get");
    expect(provideChromium(machine({ isRoot: false })).path).toBeNull();
  });

  test("installs Debian's package as root, and uses it", () => {
    const commands: string[] = [];
    const run: Machine["run"] = (_, args) => {
      commands.push(args.join(" "));
      if (args[0] === "install") executable("chromium");
      return true;
    };
    expect(provideChromium(machine({ run }))).toEqual({ path: join(folder, "chromium") });
    expect(commands).toEqual(["update", "install -y --no-install-recommends chromium"]);
    rmSync(join(folder, "chromium"));
  });

  test("says so when the installation fails", () => {
    const answer = provideChromium(machine({ run: () => false }));
    expect(answer).toEqual({ path: null, reason: expect.stringContaining("apt-get could not install it") });
  });

  test("takes one on the PATH, and prefers the path it is given", () => {
    const onPath = executable("google-chrome");
    expect(provideChromium(machine({}))).toEqual({ path: onPath });
    const given = executable("mine");
    const environment = { PATH: folder, CHROMIUM_PATH: given };
    expect(provideChromium(machine({ environment }))).toEqual({ path: given });
  });

  test("does not look further when the given path is wrong", () => {
    executable("chromium");
    const environment = { PATH: folder, CHROMIUM_PATH: folder };
    const answer = provideChromium(machine({ environment }));
    expect(answer).toEqual({ path: null, reason: `CHROMIUM_PATH is not an executable file: ${folder}` });
  });
});
