/**
 * The commands of a history, as fast-check makes, shrinks and prints them: `A` to `C` are browsers, `0.1` is the second
 * process of the first application, `†` an answer that is lost. Each command checks at its end that nothing was broken.
 */
import fc from "fast-check";
import {
  administrator,
  changePassword,
  endDevice,
  look,
  signInAs,
  signOut,
  signOutEverywhere,
  signOutOthers,
} from "./acts.ts";
import type { Act, History } from "./history.ts";
import {
  type Browser,
  elsewhere,
  farAway,
  home,
  homeByIPv6,
  type Loot,
  steal,
  type Thief,
} from "./parties.ts";
import type { Person } from "./provider.ts";
import { day, hour, minute, second } from "./truth.ts";

/** What fast-check knows of a history: nothing. What may happen depends on the real one alone. */
export type Nothing = Record<string, never>;
type Command = fc.AsyncCommand<Nothing, History>;

const index = fc.constantFrom<(0 | 1)[]>(0, 1);
/** Mostly the first: a history is about a few things that meet. */
const browser = fc.constantFrom(0, 0, 0, 1, 1, 2);
const application = fc.constantFrom<(0 | 1)[]>(0, 0, 1);
const person = fc.constantFrom(0, 0, 0, 1);
const isLost = fc.constantFrom(false, false, false, false, true);
/** Where a request comes from, if not from where its browser is: one may have two networks, and use both at once. */
const place = fc.constantFrom(undefined, undefined, undefined, elsewhere, homeByIPv6);
/** Which of those who wait goes on, and which then: an empty list leaves all where they are. */
const order = fc.array(fc.nat(7), { maxLength: 24 });

function command(text: string, does: (history: History) => unknown): Command {
  return {
    check: () => true,
    async run(_nothing, history) {
      // Nothing happens at the same instant as something else, unless it is sent together.
      history.provider.pass(1);
      await does(history);
      if (history.broken.length > 0) throw new Error(history.broken.join("\n"));
    },
    toString: () => text,
  };
}

function browserOf({ browsers }: History, which: number): Browser {
  return there(browsers[which]);
}

function userOf({ people }: History, which: number): Person {
  return there(people[which]);
}

function there<Thing>(thing: Thing | undefined): Thing {
  if (thing === undefined) throw new Error("there is no such thing in a history");
  return thing;
}

async function goOnIn(history: History, order: readonly number[]): Promise<void> {
  for (const next of order) await history.goOn(next);
}

const name = (which: number) => "ABC".charAt(which);
const placed = (from: string | undefined) => (from === undefined ? {} : { from });
const from = (place: string | undefined) => (place === undefined ? "" : ` from ${place}`);
const lost = (isLost: boolean) => (isLost ? "†" : "");
const inSteps = (order: readonly number[]) => `steps ${order.join(" ")}`;

const signIn = fc
  .tuple(browser, application, index, person, fc.boolean(), isLost)
  .map(([who, where, process, user, remember, isLost]) =>
    command(
      `${name(who)} signs in at ${where}.${process} as user ${user}${remember ? ", to stay" : ""}${lost(isLost)}`,
      (history) => {
        const act = signInAs(history, userOf(history, user), remember);
        return history.ask(browserOf(history, who), where, process, act, { path: "/login", isLost });
      },
    ),
  );

const ask = fc
  .tuple(browser, application, index, isLost, place)
  .map(([who, where, process, isLost, place]) =>
    command(`${name(who)} looks at ${where}.${process}${lost(isLost)}${from(place)}`, (history) =>
      history.ask(browserOf(history, who), where, process, look, { isLost, ...placed(place) }),
    ),
  );

/** Several tabs. */
const burst = fc
  .tuple(
    browser,
    application,
    fc.array(fc.tuple(index, isLost, place), { minLength: 2, maxLength: 4 }),
    order,
  )
  .map(([who, where, tabs, order]) => {
    const to = tabs
      .map(([process, isLost, place]) => `${where}.${process}${lost(isLost)}${from(place)}`)
      .join(", ");
    return command(`${name(who)} looks at ${to} at once, ${inSteps(order)}`, (history) => {
      for (const [process, isLost, place] of tabs)
        history.send(browserOf(history, who), where, process, look, { isLost, ...placed(place) });
      return goOnIn(history, order);
    });
  });

const acts: Record<string, (history: History) => Act> = {
  look: () => look,
  "sign out": signOut,
  "sign out others": signOutOthers,
  "sign out everywhere": signOutEverywhere,
  "end a device": (history) => endDevice(history, history.order),
};

/** A request that stays under way while other things happen. */
const send = fc
  .tuple(
    browser,
    application,
    index,
    fc.constantFrom("look", "look", "look", "look", ...Object.keys(acts)),
    isLost,
    place,
    order,
  )
  .map(([who, where, process, act, isLost, place, order]) =>
    command(
      `${name(who)} sends "${act}" to ${where}.${process}${lost(isLost)}${from(place)}, ${inSteps(order)}`,
      (history) => {
        const options = { isLost, ...placed(place) };
        history.send(browserOf(history, who), where, process, there(acts[act])(history), options);
        return goOnIn(history, order);
      },
    ),
  );

const goOn = order.map((order) => command(inSteps(order), (history) => goOnIn(history, order)));

const arrive = fc.nat(5).map((which) =>
  command(`answer ${which} arrives`, (history) => {
    const answered = history.flights.filter(({ outcome }) => outcome !== null);
    const flight = answered[which % answered.length];
    if (flight !== undefined) history.arrive(flight);
  }),
);

const finish = fc.constant(command("everything arrives", (history) => history.finish()));

const password = fc
  .tuple(browser, application, index)
  .map(([who, where, process]) =>
    command(`${name(who)} changes the password at ${where}.${process}`, (history) =>
      history.ask(browserOf(history, who), where, process, changePassword(history)),
    ),
  );

const pass = (length: fc.Arbitrary<number>) =>
  length.map((milliseconds) =>
    command(`${milliseconds / second} s pass`, (history) => history.pass(milliseconds)),
  );
const moment = fc.constantFrom(1, 5, 12, 20, 29, 31, 60).map((seconds) => seconds * second);
const minutes = fc.constantFrom(2, 5, 9, 10, 11, 11, 11, 31, 55).map((minutes) => minutes * minute);
const long = fc.constantFrom(61 * minute, 5 * hour, 12 * hour, 24 * hour, 3 * day, 13 * day, 29 * day);

/** Somebody who comes back again and again, until a limit. */
const stay = fc
  .tuple(
    browser,
    application,
    fc.constantFrom([25 * minute, 30], [49 * minute, 31], [12 * day, 3], [9 * day, 4]),
  )
  .map(([who, where, [every = 0, times = 0]]) =>
    command(`${name(who)} looks at ${where} every ${every / minute} min, ${times} times`, async (history) => {
      for (let time = 0; time < times && history.broken.length === 0; time++) {
        await history.pass(every);
        await history.ask(browserOf(history, who), where, 0, look);
      }
    }),
  );

const theft = fc
  .tuple(
    browser,
    application,
    fc.constantFrom<Loot[]>("pair", "pair", "pair", "session", "refresh-token"),
    fc.constantFrom(home, elsewhere),
  )
  .map(([who, where, loot, address]) =>
    command(`a thief at ${address} takes ${name(who)}'s ${loot} of ${where}`, (history) => {
      const victim = browserOf(history, who);
      if (history.held(victim, where) === null || history.thieves.length === 3) return;
      const thief = `thief ${history.thieves.length}`;
      const jar = steal(victim.jars[where], loot);
      history.thieves.push({
        kind: "thief",
        name: thief,
        loot,
        stolenAt: history.now(),
        application: where,
        jar,
        address,
      });
    }),
  );

/** Minutes until the owner's next request, and seconds from that to the thief's. */
const round = fc.tuple(fc.constantFrom(2, 4, 9, 11), fc.integer({ min: 1, max: 29 }));

/** A thief who learns when the owner makes a request, and asks a few seconds later. */
const shadow = fc
  .tuple(
    browser,
    application,
    fc.constantFrom(farAway, farAway, farAway, home),
    fc.array(round, { minLength: 8, maxLength: 12 }),
  )
  .map(([who, where, address, rounds]) =>
    command(
      `a thief at ${address} asks ${where}.0 after ${name(who)} does: ${rounds.map((each) => each.join(" min + ")).join(" s, ")} s`,
      async (history) => {
        const owner = browserOf(history, who);
        const stolenAt = history.now();
        const jar = steal(owner.jars[where], "pair");
        const theft = { loot: "pair", stolenAt, application: where, address, jar } as const;
        const thief: Thief = { kind: "thief", name: "shadow", ...theft };
        if (history.held(thief, where)?.signIn.renews !== true) return;
        let isServed = false;
        for (const [minutes, seconds] of rounds) {
          await history.pass(minutes * minute);
          await history.ask(owner, where, 0, look);
          await history.pass(seconds * second);
          isServed = (await history.ask(thief, where, 0, look)).outcome === "page";
        }
        history.shadows.push({ address, isServed });
      },
    ),
  );

const misuse = fc
  .tuple(fc.nat(2), index, fc.constantFrom(false, false, false, false, false, true), isLost)
  .map(([which, process, isElsewhere, inSteps]) =>
    command(
      `thief ${which} looks at process ${process}${isElsewhere ? " of the other application" : ""}${inSteps ? ", in steps" : ""}`,
      (history) => {
        const thief = history.thieves[which % history.thieves.length];
        if (thief === undefined) return;
        const where = (thief.application === 0) === isElsewhere ? 1 : 0;
        return inSteps ? history.send(thief, where, process, look) : history.ask(thief, where, process, look);
      },
    ),
  );

const move = fc.tuple(browser, fc.constantFrom(home, elsewhere)).map(([who, address]) =>
  command(`${name(who)} moves to ${address}`, (history) => {
    browserOf(history, who).address = address;
  }),
);

const administration = fc
  .tuple(fc.constantFrom("revokes", "revokes", "revokes all", "deactivates"), fc.nat(9), person)
  .map(([what, which, user]) =>
    command(`an administrator ${what} (${which} of user ${user})`, (history) => {
      const person = userOf(history, user);
      if (what === "deactivates") return administrator.deactivate(history, person);
      if (what === "revokes all") return administrator.revokeAll(history, person);
      const signIns = [...history.signIns.values()];
      const signIn = signIns[which % signIns.length];
      return signIn && administrator.revoke(history, signIn);
    }),
  );

const restart = fc
  .tuple(application, index)
  .map(([where, process]) =>
    command(`process ${where}.${process} dies`, (history) => history.restart(where, process)),
  );

const providerRestart = fc.constant(
  command("the provider starts again", (history) => history.provider.restart()),
);

const reach = fc
  .constantFrom(true, false, false)
  .map((isDown) =>
    command(isDown ? "nobody reaches the provider" : "the provider can be reached", (history) =>
      history.setReach(isDown),
    ),
  );

const upkeep = index.map((where) => command(`upkeep of ${where}`, (history) => history.maintain(where)));

const weighted: readonly (readonly [number, fc.Arbitrary<Command>])[] = [
  [50, signIn],
  [150, ask],
  [80, burst],
  [70, send],
  [50, goOn],
  [40, arrive],
  [20, finish],
  [60, pass(moment)],
  [120, pass(minutes)],
  [10, pass(long)],
  [3, stay],
  [40, theft],
  [90, misuse],
  [15, shadow],
  [10, password],
  [10, move],
  [10, administration],
  [10, restart],
  [10, reach],
  [10, upkeep],
  [10, providerRestart],
];

/** A history of so many commands at most. `replayPath` is what a failure printed, `null` for new ones. */
export function histories(
  most: number,
  replayPath: string | null,
): fc.Arbitrary<Iterable<fc.AsyncCommand<Nothing, History>>> {
  const any = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));
  const constraints = { maxCommands: most, size: "max" as const };
  return fc.commands<Nothing, History, false>(
    [any],
    replayPath === null ? constraints : { ...constraints, replayPath },
  );
}
