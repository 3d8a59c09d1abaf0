/** What two parties with one pair can do without being told apart: stated here, so that a change of it is noticed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { look, signInAs } from "./acts.ts";
import { History } from "./history.ts";
import { farAway, home, steal, type Thief } from "./parties.ts";
import { type ModelProvider, modelProvider } from "./provider.ts";
import { standIn } from "./stand-in.ts";
import { minute, second } from "./truth.ts";

let provider: ModelProvider;
beforeAll(async () => {
  provider = await modelProvider(async (now) => standIn(now));
});
afterAll(() => provider.close());

/** An owner and a thief who has just copied the pair; `asks` is who looks at a page how many minutes after the last. */
async function outcomes(
  asks: readonly (readonly ["owner" | "thief", number])[],
  address = home,
): Promise<(string | null)[]> {
  const person = await provider.person();
  const workflow = "sessions+refresh-tokens";
  const history = new History(provider, [person], [workflow, workflow]);
  const [owner] = history.browsers;
  if (owner === undefined) throw new Error("a history has browsers");
  await history.ask(owner, 0, 0, signInAs(history, person, true), { path: "/login" });
  const jar = steal(owner.jars[0], "pair");
  const thief: Thief = {
    kind: "thief",
    name: "thief",
    loot: "pair",
    stolenAt: provider.now(),
    application: 0,
    jar,
    address,
  };
  const answers: (string | null)[] = [];
  for (const [who, minutes] of asks) {
    await history.pass(minutes * minute);
    answers.push((await history.ask(who === "owner" ? owner : thief, 0, 0, look)).outcome);
  }
  await history.close();
  expect(history.broken).toEqual([]);
  return answers;
}

const everyRound = [
  ["thief", 11],
  ["owner", 1],
  ["thief", 1],
] as const;

test("a thief at the owner's address who asks once before and once after each single request of the owner is not found out", async () => {
  const asks = [...everyRound, ...everyRound, ...everyRound];
  expect(await outcomes(asks)).toEqual(asks.map(() => "page"));
});

test("a thief at another address who does so is found out in the second round, and both are out", async () => {
  const asks = [...everyRound, ...everyRound, ...everyRound];
  const pages = everyRound.map(() => "page");
  const both = ["page", "sign-in", "sign-in", "sign-in", "sign-in", "sign-in"];
  expect(await outcomes(asks, farAway)).toEqual([...pages, ...both]);
});

/** The owner twice, 45 s apart, every four minutes; the thief 31 s after the first of them. */
const pairsOfRequests = Array.from(
  { length: 30 },
  () =>
    [
      ["owner", 4],
      ["thief", (31 * second) / minute],
      ["owner", (14 * second) / minute],
    ] as const,
).flat();

test("a thief at another address who comes half a minute after a renewal, and has the owner back half a minute later, is not found out", async () => {
  expect(await outcomes(pairsOfRequests, farAway)).toEqual(pairsOfRequests.map(() => "page"));
});

test("as soon as the owner sends two requests, that thief is found out, and both are out", async () => {
  const soon = second / minute;
  const asks = [
    ...everyRound,
    ["thief", 11],
    ["owner", 1],
    ["owner", soon],
    ["thief", 1],
    ["owner", 1],
  ] as const;
  expect(await outcomes(asks)).toEqual([...asks.slice(0, -2).map(() => "page"), "sign-in", "sign-in"]);
});
