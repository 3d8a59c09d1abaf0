// Runs doctor for a test, on a provider that is as it should be until the test changes something.
import { expect } from "vitest";
import type { Finding } from "../src/program/doctor/finding.ts";
import { API_KEY, emptyDatabase, seeded, startIdp, type TestIdp } from "./idp.ts";
import { FROM, startMailServer } from "./mail-server.ts";
import { runCommand, variablesOf } from "./program.ts";

/** A day in ms. */
export const DAY = 86_400_000;

/** What doctor said. */
export interface Examined {
  code: number;
  findings: Finding[];
  lifetimes: Record<string, unknown>[];
  /** Every finding of this about which begins so, as "level: found → todo". */
  of(about: string): string[];
}

/** Runs doctor with these variables and more words. */
export async function examined(
  variables: Record<string, string>,
  words: readonly string[] = [],
): Promise<Examined> {
  const { out, code } = await runCommand(variables, ["doctor", "--json", ...words]);
  const { findings, lifetimes } = JSON.parse(out) as Pick<Examined, "findings" | "lifetimes">;
  for (const { level, todo } of findings) expect([level, todo === ""]).toEqual([level, level === "ok"]);
  return {
    code,
    findings,
    lifetimes,
    of: (about) =>
      findings
        .filter((finding) => finding.about.startsWith(about))
        .map(({ level, found, todo }) =>
          todo === "" ? `${level}: ${found}` : `${level}: ${found} → ${todo}`,
        ),
  };
}

/** What the API key of a healthy provider may do. */
export const permissions = {
  endpoints: {
    "/api/application": ["POST", "PATCH"],
    "/api/webhook": ["POST"],
    "/api/user": ["POST", "DELETE"],
    "/api/tenant": ["GET", "PATCH"],
  },
};

/** A provider as production should have it, and its variables. */
export async function healthy(): Promise<{
  idp: TestIdp;
  database: string;
  variables: Record<string, string>;
}> {
  const database = await emptyDatabase();
  const sane = {
    loginConfiguration: { generateRefreshTokens: true },
    jwtConfiguration: { enabled: true, timeToLiveInSeconds: 300 },
  };
  const requests = seeded({ store: sane, forum: sane }).requests.slice(0, 2);
  const kickstart = { apiKeys: [{ key: API_KEY, permissions }], requests };
  const idp = await startIdp({ database, now: Date.now, kickstart });
  const { url } = await startMailServer();
  const production = { ...variablesOf(database), ISSUER: "https://idp.example.com", NODE_ENV: "production" };
  return { idp, database, variables: { ...production, SMTP_URL: url, MAIL_FROM: FROM } };
}
