/** How time goes by after a theft: who comes when, until the attacker has had enough. */
import type { Client } from "./client.ts";
import { home, showsVictimsCart } from "./people.ts";
import type { Target } from "./target.ts";
import type { Theft } from "./theft.ts";

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** Who comes, how often, for how long. */
export interface Haunting {
  readonly thief: Client;
  /** The owner, where one is about. */
  readonly owner?: Client;
  /** Milliseconds between two visits of the owner. Default 4 minutes. */
  readonly ownerEvery?: number;
  /** Milliseconds the lab watches. Default 25 hours. */
  readonly until?: number;
  /** Milliseconds from one visit of the attacker to the next, by how long it has been going on. */
  readonly thiefEvery?: (passed: number) => number;
}

/** So often refused, the attacker gives up. */
const patience = 5;

/** Every 30 s for a quarter of an hour, then every 10 minutes: less often than a session idles out. */
const closely = (passed: number) => (passed < 15 * minute ? 30 * second : 10 * minute);

/**
 * The attacker asks for the victim's page at once, and again and again, until refused five times in a row or until the
 * time is over; the owner, where there is one, goes on as if nothing had happened.
 */
export async function haunt(target: Target, theft: Theft, haunting: Haunting): Promise<void> {
  const { thief, owner, ownerEvery = 4 * minute, until = 25 * hour, thiefEvery = closely } = haunting;
  let passed = 0;
  let nextVisit = ownerEvery;
  for (let refused = 0; passed <= until && refused < patience; ) {
    if (owner !== undefined && passed >= nextVisit) {
      await theft.meanwhile(() => owner.get(home));
      nextVisit = passed + ownerEvery;
    }
    refused = (await theft.attempt(() => seesCart(thief))) ? 0 : refused + 1;
    const step = thiefEvery(passed);
    await target.pass(step);
    passed += step;
  }
}

/** For 25 hours the attacker asks one second after each request of the owner's, until refused three times in a row. */
export async function followClosely(
  target: Target,
  theft: Theft,
  { thief, owner, ownerEvery }: Required<Pick<Haunting, "thief" | "owner" | "ownerEvery">>,
): Promise<void> {
  for (let passed = 0, refused = 0; passed < 25 * hour && refused < 3; passed += ownerEvery) {
    await theft.meanwhile(() => owner.get(home));
    await target.pass(second);
    refused = (await theft.attempt(() => seesCart(thief))) ? 0 : refused + 1;
    await target.pass(ownerEvery - second);
  }
}

/** The attacker asks for the victim's page. */
export async function seesCart(client: Client): Promise<boolean> {
  return showsVictimsCart(await client.get(home));
}
