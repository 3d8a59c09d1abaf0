// The provider over one database of the growth scenario. Asked in its own process, without HTTP, so that nothing but the provider and its
// store is in what it costs; which of the users and families it is asked for is drawn anew each time.
import { randomInt, randomUUID } from "node:crypto";
import { createIdp } from "../../packages/idp/src/index.ts";
import { openStore } from "../../packages/idp/src/store/open.ts";
import { inFlight } from "../../test/scaling-costs.ts";
import { present } from "../candidate.ts";
import { uuidOf } from "../scenarios/growth/made.ts";
import {
  asked,
  emailOfUser,
  firstToken,
  providerConfig,
  refreshGrant,
} from "../scenarios/growth/provider.ts";

const { WHERE = "" } = process.env;
const size = Number(process.env["SIZE"]);
const lanes = 32;

const idp = await createIdp(providerConfig(WHERE));
// A second pair of eyes on the same database, for the look-up alone.
const store = await openStore(WHERE, null, { uuid: randomUUID, mails: false });
const [tenant] = await store.tenants.list();
const tenantId = tenant?.id ?? "";
const latest = new Map<number, string>();

async function refresh(index: number): Promise<void> {
  const answer = await asked(idp, "/oauth2/token", refreshGrant(latest.get(index) ?? firstToken(index)));
  latest.set(index, String(answer["refresh_token"]));
}

async function retrieve(index: number): Promise<void> {
  const answer = await asked(idp, `/api/user?email=${emailOfUser(index)}`);
  const user = answer["user"] as Record<string, unknown>;
  if (user["id"] !== uuidOf("user", index)) throw new Error("Another user was found");
}

async function lookUp(index: number): Promise<void> {
  const user = await store.users.findByEmail(tenantId, emailOfUser(index));
  if (user?.id !== uuidOf("user", index)) throw new Error("Another user was found");
}

const operations: Readonly<Record<string, (index: number) => Promise<void>>> = { refresh, retrieve, lookUp };

/** Does it so often, to others each time; microseconds of CPU, all threads. */
async function measure({ name, count }: { name: string; count: number }): Promise<{ cpu: number }> {
  const operation = operations[name];
  if (operation === undefined) throw new Error(`Nothing is called "${name}"`);
  // A family is asked for once a time: twice at once would be a repetition, which is no rotation.
  const others = new Set<number>();
  while (others.size < Math.min(count, size - 2)) others.add(randomInt(1, size - 1));
  const chosen = [...others];
  const begun = process.cpuUsage();
  for (let done = 0; done < count; done += chosen.length)
    await inFlight(Math.min(chosen.length, count - done), lanes, (index) => operation(chosen[index] ?? 0));
  const { user, system } = process.cpuUsage(begun);
  return { cpu: user + system };
}

/** Whether the first token of a family that has moved on twice is refused, which ends that family: the last one, asked for by nobody else. */
async function refusesReplay(): Promise<boolean> {
  const index = size - 1;
  await refresh(index);
  await refresh(index);
  return asked(idp, "/oauth2/token", refreshGrant(firstToken(index))).then(
    () => false,
    (error: unknown) => String(error).includes("invalid_grant"),
  );
}

process.on("SIGTERM", () => {
  void Promise.all([idp.close(), store.close()]).then(() => process.exit(0));
});
present({
  port: 0,
  answers: { refusesReplay, measure: (what) => measure(what as { name: string; count: number }) },
});
