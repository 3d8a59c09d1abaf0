/** Plays random histories and says what they came to. A failure prints seed, path and the commands. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import fc from "fast-check";
import { look, signInAs } from "./acts.ts";
import { histories } from "./commands.ts";
import { History } from "./history.ts";
import { farAway, home, type Thief } from "./parties.ts";
import { type Backend, type ModelProvider, modelProvider } from "./provider.ts";
import type { Stores } from "./stores.ts";
import { absoluteLimit, minute, second, sharedRenewals, type SignIn } from "./truth.ts";

/** How often each thing happened: histories in which nothing happens prove nothing. */
export type Tally = Record<string, number>;

const longest = 24;

/**
 * Plays the first `runs` histories of a seed. What a failure prints plays its shrunk history again, in the file it failed in:
 * `MODEL_SEED=1 MODEL_PATH=3:1 MODEL_REPLAY=AAB:F vitest run test/model/histories-1.test.ts`.
 */
export async function play(
  start: (now: () => number) => Promise<Backend>,
  runs: number,
  seed: number,
  stores?: Stores,
): Promise<Tally> {
  const provider = await modelProvider(start, stores);
  const tally: Tally = {};
  const count = (event: unknown) => {
    const { type, judgement, reason } = event as Record<string, string | undefined>;
    const what = [type, judgement ?? reason].filter((part) => part !== undefined).join(" ");
    tally[what] = (tally[what] ?? 0) + 1;
  };
  subscribe("latchkey:session", count);
  try {
    const { MODEL_PATH, MODEL_REPLAY } = process.env;
    const commands = histories(longest, MODEL_REPLAY ?? null);
    await fc.assert(
      fc.asyncProperty(commands, fc.nat(3), async (commands, kind) => {
        const history = await begin(provider, kind === 0);
        try {
          await fc.asyncModelRun(() => ({ model: {}, real: history }), commands);
          await conclude(history, tally);
        } finally {
          await history.close();
        }
      }),
      {
        numRuns: MODEL_PATH === undefined ? runs : 1,
        seed,
        ...(MODEL_PATH === undefined ? {} : { path: MODEL_PATH, endOnFailure: true }),
      },
    );
  } finally {
    unsubscribe("latchkey:session", count);
    await provider.close();
  }
  return tally;
}

/** Two users, of whom the first is signed in in the first browser. */
async function begin(provider: ModelProvider, isForumWithoutTokens: boolean): Promise<History> {
  provider.isDown = false;
  provider.newest.clear();
  await provider.stores.empty();
  const people = [await provider.person(), await provider.person()];
  const forum = isForumWithoutTokens ? "sessions" : "sessions+refresh-tokens";
  const history = new History(provider, people, ["sessions+refresh-tokens", forum]);
  const [browser] = history.browsers;
  const [person] = people;
  if (browser === undefined || person === undefined) throw new Error("a history needs somebody");
  await history.ask(browser, 0, 0, signInAs(history, person, true), { path: "/login" });
  return history;
}

/** What must be true at the end of every history. */
async function conclude(history: History, tally: Tally): Promise<void> {
  await history.finish();
  if (history.reach.isDown) history.setReach(false);
  await history.pass(11 * second);
  for (const index of [0, 1] as const) await history.maintain(index);
  for (const signIn of history.signIns.values()) countShared(history, signIn, tally);
  for (const shadow of history.shadows) countShadow(shadow, tally);
  for (const signIn of history.signIns.values())
    if (signIn.endedSince !== null) await staysEnded(history, signIn);
  const thief = history.thieves.find(({ loot }) => loot === "pair");
  if (thief !== undefined) await isFoundOut(history, thief, tally);
  if (history.broken.length > 0) throw new Error(history.broken.join("\n"));
}

/** What what-remains.test.ts is about: how often chance alone brings it about. */
function countShared(history: History, signIn: SignIn, tally: Tally): void {
  const { all, apart } = sharedRenewals(history.pairs.values(), signIn);
  const add = (what: string) => (tally[what] = (tally[what] ?? 0) + 1);
  if (all >= 2) add("owner and thief both renewed twice");
  if (all >= 2 && apart >= 1) add("owner and thief both renewed twice, apart");
}

function countShadow({ address, isServed }: History["shadows"][number], tally: Tally): void {
  const where = address === farAway ? "far away" : "at home";
  const what = `shadow ${where}: ${isServed ? "undetected" : "found out"}`;
  tally[what] = (tally[what] ?? 0) + 1;
}

/** No cookie that was ever handed out for it opens anything, and no raw refresh token either. */
async function staysEnded(history: History, signIn: SignIn): Promise<void> {
  const raw = history.provider.newest.get(signIn.id);
  // What is owed for a sign-in past its absolute limit is swept with it: a provider that is down until then never hears.
  const isSwept = history.now() >= absoluteLimit(signIn);
  if (raw !== undefined && !isSwept && (await history.provider.present(signIn.application, raw)).ok)
    history.broken.push("a refresh token outlives its sign-in");
  for (const cookies of history.snapshots.get(signIn) ?? []) {
    const party: Thief = {
      kind: "thief",
      name: "replay",
      loot: "pair",
      stolenAt: 0,
      application: signIn.application,
      jar: cookies,
      address: home,
    };
    await history.ask(party, signIn.application === 0 ? 0 : 1, 1, look);
  }
}

/** Thief and owner both go on using the pair: whoever is second after a renewal is found out, and both are out. */
async function isFoundOut(history: History, thief: Thief, tally: Tally): Promise<void> {
  const index = thief.application === 0 ? 0 : 1;
  const stolen = history.held(thief, index)?.signIn;
  const owner = history.browsers.find((browser) => history.held(browser, index)?.signIn === stolen);
  if (stolen === undefined || !stolen.renews || owner === undefined) return;
  const last = new Map<unknown, string | null>();
  for (const party of [owner, thief, owner, thief]) {
    for (let use = 0; use < 2; use++) last.set(party, (await history.ask(party, index, 0, look)).outcome);
    await history.pass(11 * minute);
  }
  tally["thefts followed to their end"] = (tally["thefts followed to their end"] ?? 0) + 1;
  if (last.get(owner) !== "sign-in" || last.get(thief) !== "sign-in")
    history.broken.push("a theft was not found out");
}
