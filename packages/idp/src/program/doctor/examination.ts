// Everything that doctor looks at, one after the other. What can't be looked at is a finding like others, so that the rest still is.

import type { IdpConfig } from "../../config.ts";
import { checkSmtp } from "../../mail/smtp.ts";
import { uuidOf } from "../../request.ts";
import { inspectDatabase, type Inspection } from "../../store/inspection.ts";
import type { Application } from "../../store/records.ts";
import { MAIL } from "../../store/user-event.ts";
import type { Invocation } from "../command.ts";
import { environmentFrom } from "../environment.ts";
import { requireDatabase } from "../operating.ts";
import { openForOperator, type Operator } from "../operator.ts";
import { reasonFor } from "../reason.ts";
import { codeOf } from "../variables.ts";
import type { ApplicationClocks } from "./clocks.ts";
import { configurationFindings } from "./configuration.ts";
import { contentFindings, webhookName } from "./contents.ts";
import { databaseFindings, outboxFindings } from "./database.ts";
import { type Finding, ok, problem } from "./finding.ts";
import { contradictions, type EffectiveLifetimes, lifetimesOf } from "./lifetimes.ts";

/** What was found. */
export interface Report {
  lifetimes: EffectiveLifetimes[];
  findings: Finding[];
}

/** Looks at the environment's configuration, database and mail server. */
export async function examined(invocation: Invocation, clocks: ApplicationClocks): Promise<Report> {
  const report: Report = { lifetimes: [], findings: [] };
  await orProblem(report, invocation, "configuration", () => examine(report, invocation, clocks));
  return report;
}

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
