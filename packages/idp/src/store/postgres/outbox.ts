// The outbox in Postgres: a row for each receiver of an event, written inside the step that makes the event true. A lane – the events
// of one user, or of one application as a whole – is delivered in order: only its oldest row has a `due`, the others wait for it. A claim
// is a `due` in the future, so that a node that died holds a row no longer than that.
//
// Nodes meet here without a lock on the lane: whoever writes behind a row holds that row (FOR KEY SHARE) until it has committed, and
// whoever finishes a row deletes it first, so that it waits for them and then sees what it has to wake. Two events that found the lane
// empty are of two steps that were under way at once: neither was before the other.

import { keyOf } from "../../throttle.ts";
import { reserve } from "./attempts.ts";
import { integer, text, textOrNull } from "../columns.ts";
import { type Connection, type Database, statement } from "./database.ts";
import { findRefreshToken } from "./refresh-tokens.ts";
import { deliveryOf } from "../rows.ts";
import type { OutboxStore } from "../store.ts";
import { tellingLater } from "../telling-later.ts";
import { laneOf, toldEvent } from "../told-event.ts";
import {
  type Happening,
  MAIL,
  MAILED,
  mailAddressOf,
  type UserEvent,
  type UserEventType,
} from "../user-event.ts";
import { findUser } from "./users.ts";

/**
 * Writes the event inside the caller's step, for whoever is to hear of it; nothing if nobody is, after one look-up at most. The step
 * must hold what it tells of (a change of the user: his row), so that its events get their numbers in the order of the changes.
 */
export type Tell = (connection: Connection, happening: Happening) => Promise<void>;

/** What the outbox is told at the start. */
export interface OutboxOptions {
  now: () => number;
  uuid: () => string;
  /** True: users are told by mail. */
  mails: boolean;
}

/** The outbox, and how the other parts of the store write to it. */
export interface PostgresOutbox extends OutboxStore {
  tell: Tell;
  /** Writes what is to be told later now. */
  flush(): Promise<void>;
  /** The database for every part that tells: after a step that told something has committed, who listens is called. */
  database: Database;
}

const LISTENING = statement(
  "outbox-listening",
  "SELECT id, tenant_ids FROM webhooks WHERE events::jsonb ? $1 ORDER BY id",
);

const TENANT_OF_APPLICATION = statement(
  "outbox-tenant-of-application",
  "SELECT tenant_id FROM applications WHERE id = $1",
);

const WRITE = statement(
  "outbox-write",
  `INSERT INTO outbox (receiver, lane, event, written, attempts, due)
   SELECT receiver, $2, $3, $4::bigint, 0, CASE WHEN before.number IS NULL THEN $4::bigint END
   FROM unnest($1::text[]) AS receiver LEFT JOIN LATERAL (
     SELECT number FROM outbox WHERE outbox.receiver = receiver.receiver AND lane = $2
     ORDER BY number LIMIT 1 FOR KEY SHARE
   ) AS before ON true`,
);

// One look-up for each receiver, however many rows wait.
const DUE = statement(
  "outbox-due",
  `WITH RECURSIVE found AS (
     (SELECT receiver, due FROM outbox WHERE due IS NOT NULL ORDER BY receiver, due LIMIT 1)
     UNION ALL
     SELECT next.receiver, next.due FROM found CROSS JOIN LATERAL (
       SELECT receiver, due FROM outbox WHERE due IS NOT NULL AND receiver > found.receiver
       ORDER BY receiver, due LIMIT 1
     ) AS next
   ) SELECT receiver, due FROM found`,
);

// ARRAY (…), so that the rows are chosen once, whatever the plan. NO KEY: a row that somebody writes behind can be claimed.
const CLAIM = statement(
  "outbox-claim",
  `UPDATE outbox SET due = $4, attempts = attempts + 1 WHERE number = ANY (ARRAY (
     SELECT number FROM outbox WHERE receiver = $1 AND due <= $2 ORDER BY due, number LIMIT $3
     FOR NO KEY UPDATE SKIP LOCKED))
   RETURNING number, receiver, event, written, attempts`,
);

// Two rows of a lane that end at once must not each leave it to the other to wake the next.
const HOLD_LANE = statement(
  "outbox-hold-lane",
  "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))",
);
const FORGET = statement("outbox-forget", "DELETE FROM outbox WHERE number = $1");
const WAKE_NEXT = statement(
  "outbox-wake-next",
  `UPDATE outbox SET due = $3 WHERE due IS NULL AND number =
     (SELECT number FROM outbox WHERE receiver = $1 AND lane = $2 ORDER BY number LIMIT 1)`,
);

// Another number of attempts: the claim ran out and somebody else has it.
const POSTPONE = statement(
  "outbox-postpone",
  "UPDATE outbox SET due = $3 WHERE number = $1 AND attempts = $2",
);

/** The outbox of this database. */
export function postgresOutbox(plain: Database, options: OutboxOptions): PostgresOutbox {
  const { now } = options;
  const { database, told, listen } = announcing(plain);
  const tell: Tell = async (connection, happening) => {
    const webhooks = await listening(connection, happening.type);
    if (webhooks.length === 0 && !(options.mails && MAILED.has(happening.type))) return;
    const event = await eventOf(connection, happening, options);
    if (event === null) return;
    const receivers = webhooks.filter(({ reaches }) => reaches(event.tenantId)).map(({ id }) => id);
    if (options.mails && (await isMailed(connection, event, options))) receivers.push(MAIL);
    if (receivers.length === 0) return;
    await connection.run(WRITE, receivers, laneOf(event), JSON.stringify(event), event.createInstant);
    told(connection);
  };

  const { tellLater, flush } = tellingLater((happenings) =>
    database.step(async (connection) => {
      for (const happening of happenings) await tell(connection, happening);
    }),
  );

  return {
    tell,
    flush,
    database,
    tellLater,
    listen,
    async due() {
      await flush();
      const rows = await database.rows(DUE);
      return rows.map((row) => ({ receiver: text(row, "receiver"), due: integer(row, "due") }));
    },
    async claim(receiver, limit, leaseMs) {
      const at = now();
      const rows = await database.rows(CLAIM, receiver, at, limit, at + leaseMs);
      return rows.map(deliveryOf).sort((one, other) => one.number - other.number);
    },
    finish: ({ number, receiver, event }) =>
      database.step(async (connection) => {
        await connection.row(HOLD_LANE, receiver, laneOf(event));
        await connection.run(FORGET, number);
        await connection.run(WAKE_NEXT, receiver, laneOf(event), now());
      }),
    async postpone({ number, attempts }, delayMs) {
      await database.run(POSTPONE, number, attempts, now() + delayMs);
    },
  };
}

/** The database, whose steps call who listens after their commit if `told` was said inside. */
function announcing(plain: Database): {
  database: Database;
  told: (connection: Connection) => void;
  listen: OutboxStore["listen"];
} {
  const listeners = new Set<() => void>();
  const wrote = new WeakSet<Connection>();
  const step: Database["step"] = async (operation) => {
    let last: Connection | null = null;
    const answer = await plain.step((connection) => {
      last = connection;
      return operation(connection);
    });
    if (last !== null && wrote.has(last)) for (const listener of listeners) listener();
    return answer;
  };
  return {
    database: { ...plain, step },
    told: (connection) => void wrote.add(connection),
    listen: (listener) => void listeners.add(listener),
  };
}

interface Listening {
  id: string;
  reaches(tenantId: string): boolean;
}

async function listening(connection: Connection, type: UserEventType): Promise<Listening[]> {
  const rows = await connection.rows(LISTENING, type);
  return rows.map((row) => {
    const tenantIds = textOrNull(row, "tenant_ids");
    const reached: string[] | null = tenantIds === null ? null : JSON.parse(tenantIds);
    return { id: text(row, "id"), reaches: (tenantId) => reached === null || reached.includes(tenantId) };
  });
}

async function eventOf(
  connection: Connection,
  happening: Happening,
  { now, uuid }: OutboxOptions,
): Promise<UserEvent | null> {
  const { refreshTokenId } = happening;
  const refreshToken =
    refreshTokenId === undefined ? null : await findRefreshToken(connection, refreshTokenId);
  const userId = happening.userId ?? refreshToken?.userId;
  const user = userId === undefined ? null : await findUser(connection, userId);
  const applicationId = happening.applicationId ?? refreshToken?.applicationId;
  const application =
    user !== null || applicationId === undefined
      ? null
      : await connection.row(TENANT_OF_APPLICATION, applicationId);
  const applicationTenantId = application === null ? null : text(application, "tenant_id");
  const stamp = { id: uuid(), createInstant: now() };
  return toldEvent(happening, { user, refreshToken, applicationTenantId }, stamp);
}

// Counted by address, not by user: it is the mailbox that would be flooded, by however many accounts one after the other.
async function isMailed(
  connection: Connection,
  event: UserEvent,
  { now }: Pick<OutboxOptions, "now">,
): Promise<boolean> {
  const rule = MAILED.get(event.type);
  const address = mailAddressOf(event);
  if (rule === undefined || address === null) return false;
  const key = keyOf("mail", event.tenantId, event.type, address);
  return (await reserve(connection, [{ key, rule, countsFrom: 0 }], now)).admitted;
}
