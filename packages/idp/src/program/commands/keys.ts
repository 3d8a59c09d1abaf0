// `latchkey-idp keys …`: the keys that sign access tokens and webhooks.

import { PUBLISHED_FOR_MS } from "../../signing-keys.ts";
import { type Command, JSON_OPTION, jsonOf, table } from "../command.ts";
import { instantOf, spanOf } from "../duration.ts";
import { CommandError } from "../errors.ts";
import { operating } from "../operating.ts";
import type { Operator } from "../operator.ts";

/** Lists the ring. */
export const keysList: Command = {
  name: "keys list",
  does: "Lists the keys that sign access tokens and webhooks",
  when: "To see which key signs, and which ones are still published so that what they signed verifies.",
  options: JSON_OPTION,
  example: "latchkey-idp keys list",
  prints: "a line a key: its kid, algorithm, when it was made, and what it is there for.",
  run: (invocation) =>
    operating(invocation, async (operator) => {
      const keys = await ringOf(operator);
      if (invocation.has("json")) invocation.terminal.out(jsonOf(keys));
      else invocation.terminal.out(table([["kid", "algorithm", "made", ""], ...keys.map(lineOf)]));
      return 0;
    }),
};

/** Makes a new key. */
export const keysRotate: Command = {
  name: "keys rotate",
  does: "Makes a new signing key, of SIGNING_ALGORITHM",
  when: `Once a year, or as your rules say. The new key is published at once on all servers and signs a minute later, so that nobody meets a
signature whose key he can't find. What the old one signed verifies until it has expired; then the old one is forgotten.
With --now for a key that somebody else may have: the new one signs within 20 seconds on all servers. Then retire the old one.`,
  options: { now: { help: "sign with it at once" } },
  example: "latchkey-idp keys rotate",
  prints: "the kid of the new key, and when it signs.",
  run: (invocation) =>
    operating(invocation, async ({ provider }) => {
      const now = invocation.has("now");
      const kid = await provider.signingKeys.rotate({ now });
      invocation.terminal.out(
        `${kid} signs ${now ? "now, on all servers in 20 s" : `in ${spanOf(PUBLISHED_FOR_MS)}`}\n`,
      );
      return 0;
    }),
};

/** Takes a key out of use. */
export const keysRetire: Command = {
  name: "keys retire",
  does: "Forgets a signing key: nothing that it signed verifies any more",
  takes: "KID",
  when: `For a key that somebody else may have, after keys rotate --now; other keys are forgotten by themselves. Access tokens that it signed
are refused from now on; who holds one gets another by his refresh token. Applications
with @latchkey/session believe it for ten minutes at most; restart others that keep keys in memory.
A key that signs, or may still sign on a server, is not retired.`,
  example:
    "latchkey-idp keys rotate --now\nsleep 21\nlatchkey-idp keys retire 2b6c1a52-4c0b-4e64-9f2b-6c6d2f1f7e11",
  prints: "that it is done.",
  exits:
    "0 when it is forgotten; 1 if there is no such key, or it may still sign, and for how long is on standard error",
  run: (invocation) =>
    operating(invocation, async ({ provider }) => {
      const retired = await provider.signingKeys.retire(invocation.argument);
      if (retired.outcome === "unknown") throw new CommandError("keys retire: there is no such key");
      if (retired.outcome === "signs") throw new CommandError(`keys retire: ${whyNot(retired.afterMs)}`);
      invocation.terminal.out(`${invocation.argument} is forgotten\n`);
      return 0;
    }),
};

function whyNot(afterMs: number): string {
  if (afterMs === Number.POSITIVE_INFINITY)
    return "it is the key that signs; latchkey-idp keys rotate --now first";
  return `it may still sign on a server; again in ${Math.ceil(afterMs / 1_000)} s`;
}

interface RingKey {
  kid: string;
  algorithm: string;
  insertInstant: number;
  state: "signs" | "published" | "verifies";
  verifiesUntil: number | null;
}

async function ringOf({ provider }: Operator): Promise<RingKey[]> {
  const [signer] = await provider.signingKeys.list();
  const stored = await provider.store.signingKeys.list();
  return stored.map(({ kid, algorithm, insertInstant, verifiesUntil }) => {
    const replaced = (instant: number | null | undefined): number => instant ?? Number.MAX_SAFE_INTEGER;
    const isNewer = replaced(verifiesUntil) > replaced(signer?.verifiesUntil);
    const state = kid === signer?.kid ? "signs" : isNewer ? "published" : "verifies";
    return { kid, algorithm, insertInstant, state, verifiesUntil };
  });
}

function lineOf({ kid, algorithm, insertInstant, state, verifiesUntil }: RingKey): string[] {
  const until = verifiesUntil === null ? "" : ` until ${instantOf(verifiesUntil)}`;
  const signs = `will sign from ${instantOf(insertInstant + PUBLISHED_FOR_MS)}`;
  const says = { signs: "signs", published: signs, verifies: `verifies${until}` };
  return [kid, algorithm, instantOf(insertInstant), says[state]];
}
