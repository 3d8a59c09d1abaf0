// Which tests there are. The browser's are projects of their own, so that Chromium is looked for (and, on Debian, installed) only
// when a browser test is really part of the run: `--project '!browser*'` or a path filter leaves it out.
import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.ts";

const conditions = ["latchkey-source"];
const browserTests = "test/browser/**/*.test.ts";

// Of the provider's tests those of a SQLite file, of Postgres by themselves, and of what no database has a part in.
const withoutDatabase = [
  "store",
  "sqlite-store",
  "sqlite-portions",
  "store-agreement",
  "main",
  "serve",
  "postgres-database",
  "postgres-migrations",
  "postgres-clock",
  "postgres-endings",
  "postgres-outbox",
  "postgres-rotation",
  "judgement",
  "merge-patch",
  "refresh-token",
  "sealing",
  "throttle-rule",
].map((name) => `packages/idp/test/${name}.test.ts`);

// The behaviour of the library where the provider keeps its data in Postgres: what every framework is tried with on every session store,
// the rest on those that are servers. What hashes of passwords are made of is tested elsewhere; here they would be most of the time.
const behaviour = [
  "administrator",
  "devices",
  "endings",
  "forgery",
  "limits",
  "limits-at-the-edge",
  "lost-answer",
  "pair-binding",
  "password-change",
  "recovery",
  "renewal",
  "revalidation",
  "shadow",
  "sign-in",
  "sign-out",
  "sign-out-everywhere",
  "step-up",
  "theft",
  "told-of-reuse",
  "webhook-end-to-end",
  "webhook-endings",
].map((name) => `packages/session/test/${name}.test.ts`);

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    reporters: ["default", "./test/closing-line.ts"],
    execArgv: ["--conditions=latchkey-source"],
    setupFiles: ["test/leak-watch.ts"],
    // Patience costs nothing where all is well; a busy machine needs it.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Much of a test is waiting for servers and disks: more workers than cores, and vitest would take fewer.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "http",
          include: ["packages/idp/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, browserTests],
          globalSetup: ["test/servers/started-once.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "library",
          include: ["packages/session/test/**/*.test.ts"],
          setupFiles: ["test/leak-watch.ts", "test/cheap-hashes.ts"],
          globalSetup: ["test/servers/started-once.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "provider on Postgres",
          include: ["packages/idp/test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...withoutDatabase],
          env: { IDP_TEST_STORE: "postgres" },
          setupFiles: ["test/leak-watch.ts", "test/cheap-hashes.ts"],
          globalSetup: ["test/servers/started-once.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "behaviour on Postgres",
          include: behaviour,
          env: { IDP_TEST_STORE: "postgres" },
          setupFiles: ["test/leak-watch.ts", "test/cheap-hashes.ts"],
          globalSetup: ["test/servers/started-once.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: [browserTests],
          globalSetup: ["test/chromium.ts", "test/servers/started-once.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "browser on other places",
          include: ["test/browser/w1.test.ts", "test/browser/w2.test.ts"],
          env: { BROWSER_PLACES: "others" },
          setupFiles: ["test/leak-watch.ts", "test/cheap-hashes.ts"],
          globalSetup: ["test/chromium.ts", "test/servers/started-once.ts"],
        },
      },
    ],
  },
});
