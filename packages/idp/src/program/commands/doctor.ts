// `latchkey-idp doctor`: how long everything lives, what contradicts what, and what is broken. Changes nothing. What it looks at is in
// program/doctor/, a file each.

import type { IdpConfig } from "../../config.ts";
import { checkSmtp } from "../../mail/smtp.ts";
import { inspectDatabase, type Inspection } from "../../store/inspection.ts";
import type { Application } from "../../store/records.ts";
import { MAIL } from "../../store/user-event.ts";
import { uuidOf } from "../../request.ts";
import { type Command, type Invocation, JSON_OPTION, jsonOf, table } from "../command.ts";
import { configurationFindings } from "../doctor/configuration.ts";
import { contentFindings, webhookName } from "../doctor/contents.ts";
import { databaseFindings, outboxFindings } from "../doctor/database.ts";
import { exitCodeOf, type Finding, ok, problem } from "../doctor/finding.ts";
import {
  type ApplicationClocks,
  contradictions,
  type EffectiveLifetimes,
  LIBRARY_CLOCKS,
  lifetimesOf,
} from "../doctor/lifetimes.ts";
import { millisecondsOf, spanOf } from "../duration.ts";
import { environmentFrom } from "../environment.ts";
import { openForOperator, type Operator, requireDatabase } from "../operator.ts";
import { reasonFor } from "../reason.ts";
import { codeOf } from "../variables.ts";

/** Looks at everything. */
export const doctor: Command = {
  name: "doctor",
  does: "Prints the lifetimes in force and what is wrong: contradictions, unsafe settings, what can't be reached, what is overdue",
  when: `Before production, after every change of settings, and whenever something is odd. It changes nothing and may run while servers run,
with their variables. The applications' own clocks it can't see: it takes the library's defaults unless you say others.`,
  options: {
    application: { takes: "ID", help: "of this application only" },
    "sign-in-absolute": { takes: "30d", help: "the application's rememberedAbsolute" },
    "sign-in-idle": { takes: "14d", help: "the application's rememberedIdle" },
    "revalidate-after": { takes: "10m", help: "the application's revalidateAfter" },
    deadline: { takes: "5s", help: "the application's deadline for calls to the provider" },
    ...JSON_OPTION,
  },
  example: "latchkey-idp doctor --sign-in-absolute 7d --sign-in-idle 2d",
  prints:
    'a table of lifetimes, then a line a finding: ok, warning or problem, what was found, what to do. With --json { "lifetimes", "findings" }.',
  exits: "0 if all is ok, 1 with warnings, 2 with problems",
  async run(invocation) {
    const clocks = clocksFrom(invocation);
    const report: Report = { lifetimes: [], findings: [] };
    await orProblem(report, invocation, "configuration", () => examine(report, invocation, clocks));
    const { lifetimes, findings } = report;
    invocation.terminal.out(
      invocation.has("json") ? jsonOf(report) : `${lifetimeTable(lifetimes)}${findingTable(findings)}`,
    );
    return exitCodeOf(findings);
  },
};

interface Report {
  lifetimes: EffectiveLifetimes[];
  findings: Finding[];
}

function clocksFrom({ one }: Invocation): ApplicationClocks {
  const clock = (option: string, otherwise: number): number => {
    const text = one(option);
    return text === undefined ? otherwise : millisecondsOf(text, option);
  };
  return {
    signInAbsolute: clock("sign-in-absolute", LIBRARY_CLOCKS.signInAbsolute),
    signInIdle: clock("sign-in-idle", LIBRARY_CLOCKS.signInIdle),
    revalidateAfter: clock("revalidate-after", LIBRARY_CLOCKS.revalidateAfter),
    deadline: clock("deadline", LIBRARY_CLOCKS.deadline),
  };
}

// What can't be looked at is a finding like others, so that the rest is still looked at.
async function orProblem(
  { findings }: Report,
  { variables }: Invocation,
  about: string,
  look: () => Promise<void>,
): Promise<void> {
  try {
    await look();
  } catch (error) {
    const reason = reasonFor(error, variables);
    if (reason === null) throw error;
    findings.push(problem(about, reason, "see latchkey-idp --help"));
  }
}

async function examine(report: Report, invocation: Invocation, clocks: ApplicationClocks): Promise<void> {
  const { config, database: shown } = environmentFrom(invocation.variables, {
    kickstart: false,
    makesKeys: false,
  });
  report.findings.push(...configurationFindings(config));
  await orProblem(report, invocation, "database", async () => {
    requireDatabase(config.database);
    const inspection = await inspectDatabase(config.database);
    report.findings.push(...databaseFindings(shown, inspection));
    // Opening it would migrate it.
    if (inspection.schema.found < inspection.schema.known) return;
    await examineContents(report, invocation, config, { clocks, inspection });
  });
  report.findings.push(...(await mailFindings(config)));
}

async function examineContents(
  report: Report,
  invocation: Invocation,
  config: IdpConfig,
  { clocks, inspection }: { clocks: ApplicationClocks; inspection: Inspection },
): Promise<void> {
  const operator = await openForOperator(config);
  try {
    await examineApplications(report, operator, invocation.one("application"), clocks);
    report.findings.push(...(await contentFindings(operator.provider)));
    const names = new Map(
      (await operator.provider.store.webhooks.list()).map((one) => [one.id, webhookName(one)]),
    );
    const nameOf = (receiver: string): string | null =>
      receiver === MAIL ? "mail" : (names.get(receiver) ?? null);
    const now = operator.provider.config.now();
    report.findings.push(...outboxFindings(inspection.waiting ?? [], now, nameOf));
  } finally {
    await operator.close();
  }
}

async function examineApplications(
  { lifetimes, findings }: Report,
  { provider: { store } }: Operator,
  named: string | undefined,
  clocks: ApplicationClocks,
): Promise<void> {
  const tenants = await store.tenants.list();
  lifetimes.push(...tenants.map((tenant) => lifetimesOf(tenant, null)));
  const applications = await applicationsOf(store.applications, named);
  if (named !== undefined && applications.length === 0)
    findings.push(
      problem("application", `there is none with the id ${named}`, "latchkey-idp application list"),
    );
  for (const application of applications) {
    const tenant = tenants.find(({ id }) => id === application.tenantId);
    if (tenant === undefined) continue;
    lifetimes.push(lifetimesOf(tenant, application));
    findings.push(...contradictions(tenant, application, clocks));
  }
}

async function applicationsOf(
  store: Operator["provider"]["store"]["applications"],
  named: string | undefined,
): Promise<Application[]> {
  if (named === undefined) return store.list({ tenantId: null, active: true });
  const id = uuidOf(named);
  const application = id === null ? null : await store.find(id);
  return application === null ? [] : [application];
}

async function mailFindings({ mail }: IdpConfig): Promise<Finding[]> {
  if (mail === undefined || !("smtp" in mail)) return [];
  try {
    await checkSmtp(mail.smtp);
    return [ok("mail", "the mail server lets us in")];
  } catch (error) {
    // Its message may quote what the server said, which may quote a name.
    return [
      problem(
        "mail",
        `the mail server does not let us in (${codeOf(error)})`,
        "see SMTP_URL, and that the server is up",
      ),
    ];
  }
}

function lifetimeTable(lifetimes: readonly EffectiveLifetimes[]): string {
  if (lifetimes.length === 0) return "";
  const span = (milliseconds: number | null): string => (milliseconds === null ? "–" : spanOf(milliseconds));
  const lines = lifetimes.map(({ about, accessToken, refreshTokens, idle, absolute, grace }) => [
    about,
    span(accessToken),
    refreshTokens,
    span(idle),
    span(absolute),
    refreshTokens === "OneTimeUse" ? span(grace) : "–",
  ]);
  return `${table([["lifetimes", "access token", "refresh token", "unused", "at most", "grace"], ...lines])}\n`;
}

function findingTable(findings: readonly Finding[]): string {
  return table(
    findings.map(({ level, about, found, todo }) => [
      level,
      about,
      todo === "" ? found : `${found} → ${todo}`,
    ]),
  );
}
