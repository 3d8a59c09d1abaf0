// What a look at the database means. Pure.

import type { Inspection, Waiting } from "../../store/inspection.ts";
import { instantOf, spanOf } from "../duration.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

const SLOW_MS = 20;

// The library allows for a minute.
const CLOCK_OFF_MS = 5_000;
const CLOCK_WRONG_MS = 60_000;

// Attempts are made again within seconds at first, and for a day in all.
const LATE_MS = 60_000;
const TOO_LATE_MS = 3_600_000;

/** What is to be said of the database itself; `shown` is its address without a password. */
export function databaseFindings(shown: string, inspection: Inspection): Finding[] {
  const { kind, roundTripMs, readOnly, owedRevocations } = inspection;
  const time = `${roundTripMs.toFixed(1)} ms there and back`;
  return [
    roundTripMs > SLOW_MS
      ? warning(
          "database",
          `${shown}: ${time}`,
          "a sign-in asks several times: bring the database nearer, or relieve it",
        )
      : ok("database", `${shown} (${kind}): ${time}`),
    ...(readOnly
      ? [
          problem(
            "database",
            "it is read-only: a stand-by, or a server that a fail-over left behind",
            "name the server that writes",
          ),
        ]
      : []),
    ...clockFindings(inspection),
    ...schemaFindings(inspection),
    owedRevocations === 0
      ? ok("sign-ins", "none is owed its end")
      : warning(
          "sign-ins",
          `those of ${owedRevocations} users are still to end after a lockout`,
          "is a server running? One does it within a minute",
        ),
  ];
}

function clockFindings({ clockOffsetMs }: Inspection): Finding[] {
  if (clockOffsetMs === null) return [];
  const off = Math.abs(clockOffsetMs);
  const found = `the database's clock is ${spanOf(off)} ${clockOffsetMs < 0 ? "behind" : "ahead of"} this machine's`;
  if (off < CLOCK_OFF_MS) return [ok("clock", found)];
  const todo =
    "synchronise the clocks (NTP): tokens bear the database's time, and applications compare it with theirs";
  return [off < CLOCK_WRONG_MS ? warning("clock", found, todo) : problem("clock", found, todo)];
}

function schemaFindings({ schema: { found, known } }: Inspection): Finding[] {
  if (found === known) return [ok("schema", `version ${found}`)];
  if (found > known)
    return [
      warning(
        "schema",
        `version ${found}; this release makes ${known}`,
        "install the newer release here, too",
      ),
    ];
  const says = found === 0 ? "the database is empty" : `version ${found}; this release needs ${known}`;
  return [problem("schema", says, "latchkey-idp migrate, or start a server")];
}

/** What waits to be told, and to whom it can't be; `nameOf` names a receiver, null if there is none any more. */
export function outboxFindings(
  waiting: readonly Waiting[],
  now: number,
  nameOf: (receiver: string) => string | null,
): Finding[] {
  return waiting.flatMap(({ receiver, count, oldest, attempts }) => {
    const about = nameOf(receiver);
    const late = now - oldest;
    if (about === null || late < LATE_MS) return [];
    const found = `${count} events wait, the oldest since ${instantOf(oldest)} (${spanOf(late)}), tried up to ${attempts} times`;
    const todo =
      attempts === 0
        ? "is a server running?"
        : "see that the receiver answers 2xx; after 24 h an event is given up";
    return [late < TOO_LATE_MS ? warning(about, found, todo) : problem(about, found, todo)];
  });
}
