// What in the database has to be looked after: keys, secrets that everybody knows, webhooks, and what a restore left open.

import { clientSecretOf } from "../../client-secret.ts";
import { isLoopback, isSample } from "../../config.ts";
import type { Provider } from "../../provider.ts";
import { restoreNotes } from "../../restored.ts";
import type { ApiKey } from "../../store/records.ts";
import type { Webhook } from "../../store/user-event.ts";
import { SEEDED } from "../../stored-secrets.ts";
import { instantOf, spanOf } from "../duration.ts";
import { type Finding, type Level, ok, problem, warning } from "./finding.ts";

const DAY_MS = 86_400_000;
const KEY_AGE_MS = 365 * DAY_MS;
const SOON_MS = 14 * DAY_MS;

// Until then tokens of before the restore come back.
const COMING_BACK_MS = 31 * DAY_MS;

/** Everything in the database that has to be looked after, apart from applications' settings. */
export async function contentFindings(provider: Provider): Promise<Finding[]> {
  return [
    ...(await signingKeyFindings(provider)),
    ...(await sampleFindings(provider)),
    ...(await apiKeyFindings(provider)),
    ...(await webhookFindings(provider)),
    ...(await restoreFindings(provider)),
  ];
}

async function signingKeyFindings({ store, config, signingKeys }: Provider): Promise<Finding[]> {
  const about = "signing keys";
  const ring = await store.signingKeys.list();
  const [signer] = await signingKeys.list();
  if (signer === undefined) return [warning(about, "there is none yet", "a server makes one when it starts")];
  const age = config.now() - signer.insertInstant;
  const found = `${signer.kid} (${signer.algorithm}) signs, made ${spanOf(age)} ago; ${ring.length} in the ring`;
  return [
    age > KEY_AGE_MS ? warning(about, found, "latchkey-idp keys rotate, once a year") : ok(about, found),
    ...(signer.algorithm === "RS256"
      ? [warning(about, "RS256 signs", "SIGNING_ALGORITHM=ES256, unless a client knows nothing else")]
      : []),
    ...(signer.verifiesUntil === null && signer.algorithm !== config.signingAlgorithm
      ? [
          warning(
            about,
            `SIGNING_ALGORITHM is ${config.signingAlgorithm} here, another on the servers`,
            "run doctor with the servers' variables",
          ),
        ]
      : []),
  ];
}

async function sampleFindings({ store, config, sealing }: Provider): Promise<Finding[]> {
  const level: Level = config.production ? "problem" : "warning";
  const found: Finding[] = [];
  const known = (about: string, what: string, todo: string): void =>
    void found.push({ level, about, found: what, todo });
  for (const { id, name, sample } of await store.apiKeys.list()) {
    if (sample)
      known(`API key ${name ?? id}`, "is a sample: everybody knows it", `latchkey-idp api-key delete ${id}`);
  }
  for (const active of [true, false]) {
    for (const application of await store.applications.list({ tenantId: null, active })) {
      if (isSample(clientSecretOf(sealing, application)))
        known(
          `application ${application.name}`,
          "its client secret is a sample",
          "PATCH oauthConfiguration.clientSecret",
        );
    }
  }
  if ((await store.note(SEEDED)) !== null)
    known(
      "users",
      "a kickstart file made users with passwords that stand in it",
      "begin production with another database",
    );
  return found;
}

async function apiKeyFindings({ store, config }: Provider): Promise<Finding[]> {
  const keys = await store.apiKeys.list();
  const findings = keys.flatMap((key) => findingsOf(key, config.now()));
  return findings.length === 0 ? [ok("API keys", `${keys.length}, each limited to what it needs`)] : findings;
}

function findingsOf(
  { id, name, expirationInstant, permissions, keyManager }: ApiKey,
  now: number,
): Finding[] {
  const about = `API key ${name ?? id}`;
  const left = (expirationInstant ?? Number.POSITIVE_INFINITY) - now;
  if (left <= 0)
    return [warning(about, `has ended at ${instantOf(now + left)}`, `latchkey-idp api-key delete ${id}`)];
  return [
    ...(left < SOON_MS
      ? [
          warning(
            about,
            `ends in ${spanOf(left)}`,
            "latchkey-idp api-key create, and give it to the application",
          ),
        ]
      : []),
    ...(Object.keys(permissions.endpoints ?? {}).length === 0
      ? [warning(about, "may do everything", "make one with --allow for what it needs, then delete this one")]
      : []),
    ...(keyManager
      ? [warning(about, "may make other keys", "delete it if nothing but this program makes keys")]
      : []),
  ];
}

async function webhookFindings({ store }: Provider): Promise<Finding[]> {
  const webhooks = await store.webhooks.list();
  if (webhooks.length === 0)
    return [
      ok(
        "webhooks",
        "there is none: applications hear of what ended when they next ask, after 10 minutes by default",
      ),
    ];
  const findings = webhooks.flatMap(webhookFinding);
  return findings.length === 0 ? [ok("webhooks", `${webhooks.length}, signed`)] : findings;
}

function webhookFinding(webhook: Webhook): Finding[] {
  const about = webhookName(webhook);
  const url = new URL(webhook.url);
  return [
    ...(webhook.signed
      ? []
      : [
          warning(
            about,
            "is not signed: its receiver can't tell it from anybody's",
            "PATCH signatureConfiguration.enabled: true",
          ),
        ]),
    ...(url.protocol === "https:" || isLoopback(url)
      ? []
      : [warning(about, "goes over the network in clear", "give its receiver https")]),
  ];
}

/** A webhook without what may be secret in its address. */
export function webhookName({ url }: Webhook): string {
  return `webhook ${new URL(url).origin}`;
}

async function restoreFindings(provider: Provider): Promise<Finding[]> {
  const about = "restore";
  const { decided, aheadAt } = await restoreNotes(provider);
  const todo = "latchkey-idp restored --help";
  const newer =
    aheadAt === null ? "" : `refresh tokens were newer than the database, last at ${instantOf(aheadAt)}`;
  if (decided === null)
    return aheadAt === null
      ? [ok(about, "never restored, as far as the database knows")]
      : [
          problem(
            about,
            `${newer}: it was restored, and nobody has decided what becomes of the sign-ins`,
            todo,
          ),
        ];
  const at = instantOf(decided.at);
  if (!decided.done)
    return [
      problem(
        about,
        `${decided.choice}, begun at ${at}, was broken off`,
        `latchkey-idp restored --${decided.choice}`,
      ),
    ];
  if (aheadAt !== null && aheadAt - decided.at > COMING_BACK_MS)
    return [
      warning(
        about,
        `${newer}, long after ${decided.choice} at ${at}: was it restored once more?`,
        `${todo}: --again`,
      ),
    ];
  return [ok(about, `${decided.choice} at ${at}`)];
}
