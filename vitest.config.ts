// Which tests there are. Two projects, so that Chromium is looked for (and, on Debian, installed) only
// when a browser test is really part of the run: `--project '!browser'` or a path filter leaves it out.
import { configDefaults, defineConfig } from "vitest/config";

const conditions = ["latchkey-source"];
const browserTests = "test/browser/**/*.test.ts";

// Of the provider's tests those of a SQLite file, of Postgres by themselves, and of what no database has a part in.
const withoutDatabase = [
  "store",
  "sqlite-store",
  "store-agreement",
  "main",
  "serve",
  "postgres-database",
  "postgres-migrations",
  "postgres-clock",
  "postgres-rotation",
  "judgement",
  "merge-patch",
  "refresh-token",
  "sealing",
  "throttle-rule",
].map((name) => `packages/idp/test/${name}.test.ts`);

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    reporters: ["default", "./test/closing-line.ts"],
    execArgv: ["--conditions=latchkey-source"],
    setupFiles: ["test/leak-watch.ts"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: "http",
          include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, browserTests],
          globalSetup: ["test/servers/shared.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "provider on Postgres",
          include: ["packages/idp/test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...withoutDatabase],
          env: { IDP_TEST_STORE: "postgres" },
          globalSetup: ["test/servers/shared.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: [browserTests],
          globalSetup: ["test/chromium.ts", "test/servers/shared.ts"],
        },
      },
    ],
  },
});
