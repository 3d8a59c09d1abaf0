import { defineConfig } from "vitest/config";

const conditions = ["latchkey-source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["test/chromium.ts"],
    setupFiles: ["test/leak-watch.ts"],
    reporters: ["default", "./test/closing-line.ts"],
    execArgv: ["--conditions=latchkey-source"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
