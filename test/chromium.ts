// Provides Chromium for the browser tests: $CHROMIUM_PATH, else one on the PATH, else – as root where
// apt-get is – Debian's package, because CI and a new machine start without a browser. Runs only when a
// browser test is part of the run (vitest.config.ts). It must not fail the run itself: where there is no
// Chromium the tests skip with the reason, and test/closing-line.ts fails the run where CI=true.
import type { TestProject } from "vitest/node";
import { type Machine, type Program, provide, thisMachine } from "./servers/machine.ts";

/** Where Chromium is, or why there is none. */
export type Chromium = Program;

declare module "vitest" {
  interface ProvidedContext {
    chromium: Chromium;
  }
}

/** vitest's global set-up: tests get the answer by `inject("chromium")`. */
export default function setup(project: TestProject): void {
  project.provide("chromium", provideChromium(thisMachine()));
}

/** Finds or installs Chromium; `path` is null, with the reason, where neither is possible. */
export function provideChromium(machine: Machine): Chromium {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  return provide({ variable: "CHROMIUM_PATH", names, debian: "chromium" }, machine);
}
