// The outbox in SQLite: a row for each receiver of an event, written inside the step that makes the event true. A lane – the
// events of one user, or of one application as a whole – is delivered in order: only its oldest row has a `due`, the others wait for
// it. A claim is a `due` in the future, so that a node that died holds a row no longer than that.

import { keyOf } from "../../throttle.ts";
import { integer, type Row, text } from "../columns.ts";
import { deliveryOf, tokenOf, userOf } from "../rows.ts";
import { reserve } from "./attempts.ts";
import type { OutboxStore } from "../store.ts";
import { tellingLater } from "../telling-later.ts";
import { laneOf, toldEvent } from "../told-event.ts";
import type { Turn } from "./turn.ts";
import { type Delivery, type Happening, MAIL, MAILED, mailAddressOf, type UserEvent } from "../user-event.ts";

/** Writes the event inside the caller's step, for whoever is to hear of it; nothing if nobody is. */
export type Tell = (happening: Happening) => void;

/** What the outbox is told at the start. */
export interface OutboxOptions {
  now: () => number;
  uuid: () => string;
  /** True: users are told by mail. */
  mails: boolean;
}

/** The outbox, and how the other parts of the store write to it. */
export interface SqliteOutbox extends OutboxStore {
  tell: Tell;
  /** Writes what is to be told later now. */
  flush(): Promise<void>;
}

/** The outbox of this database. */
export function sqliteOutbox(turn: Turn, options: OutboxOptions): SqliteOutbox {
  const { sql, read, write } = turn;
  const { now } = options;
  const listeners = new Set<() => void>();
  const tell: Tell = (happening) => {
    if (!isHeard(turn, happening, options)) return;
    const event = eventOf(turn, happening, options);
    if (event === null) return;
    const receivers = webhooksFor(turn, event);
    if (options.mails && isMailed(turn, event)) receivers.push(MAIL);
    for (const receiver of receivers) insert(turn, receiver, event);
    // After the step, whose writes a listener then sees in its own, and before the commit, which both share.
    if (receivers.length > 0) queueMicrotask(() => listeners.forEach((listener) => listener()));
  };

  const { tellLater, flush } = tellingLater((happenings) => write(() => happenings.forEach(tell)));

  return {
    tell,
    flush,
    tellLater,
    listen: (listener) => void listeners.add(listener),
    async due() {
      await flush();
      return read(() => dueOf(turn));
    },
    claim: (receiver, limit, leaseMs) => write(() => claim(turn, receiver, limit, now(), leaseMs)),
    finish: ({ number, receiver, event }) =>
      write(() => {
        sql("DELETE FROM outbox WHERE number = ?").run(number);
        const next = `SELECT min(number) FROM outbox WHERE receiver = ? AND lane = ?`;
        sql(`UPDATE outbox SET due = ? WHERE due IS NULL AND number = (${next})`).run(
          now(),
          receiver,
          laneOf(event),
        );
      }),
    postpone: ({ number, attempts }, delayMs) =>
      write(() => {
        // Another number of attempts: the claim ran out and somebody else has it.
        const set = sql("UPDATE outbox SET due = ? WHERE number = ? AND attempts = ?");
        set.run(now() + delayMs, number, attempts);
      }),
  };
}

// Before anything is put together that nobody may be told of.
function isHeard({ sql }: Turn, { type }: Happening, { mails }: OutboxOptions): boolean {
  if (mails && MAILED.has(type)) return true;
  const webhook = sql(
    "SELECT 1 FROM webhooks WHERE EXISTS (SELECT 1 FROM json_each(events) WHERE value = ?) LIMIT 1",
  );
  return webhook.get(type) !== undefined;
}

function eventOf(turn: Turn, happening: Happening, { now, uuid }: OutboxOptions): UserEvent | null {
  const token = rowOf(turn, "refresh_tokens", happening.refreshTokenId);
  const refreshToken = token === null ? null : tokenOf(token);
  const user = rowOf(turn, "users", happening.userId ?? refreshToken?.userId);
  const concerned = {
    user: user === null ? null : userOf(user),
    refreshToken,
    applicationTenantId: tenantOfApplication(turn, happening.applicationId ?? refreshToken?.applicationId),
  };
  return toldEvent(happening, concerned, { id: uuid(), createInstant: now() });
}

function rowOf({ sql }: Turn, table: "users" | "refresh_tokens", id: string | undefined): Row | null {
  return id === undefined ? null : (sql(`SELECT * FROM ${table} WHERE id = ?`).get(id) ?? null);
}

function tenantOfApplication({ sql }: Turn, id: string | undefined): string | null {
  const row = id === undefined ? undefined : sql("SELECT tenant_id FROM applications WHERE id = ?").get(id);
  return row === undefined ? null : text(row, "tenant_id");
}

function webhooksFor({ sql }: Turn, { type, tenantId }: UserEvent): string[] {
  const webhooks = sql(
    `SELECT id FROM webhooks WHERE EXISTS (SELECT 1 FROM json_each(events) WHERE value = ?)
       AND (tenant_ids IS NULL OR EXISTS (SELECT 1 FROM json_each(tenant_ids) WHERE value = ?))`,
  );
  return webhooks.all(type, tenantId).map((row) => text(row, "id"));
}

// Counted by address, not by user: it is the mailbox that would be flooded, by however many accounts one after the other.
function isMailed(turn: Turn, event: UserEvent): boolean {
  const rule = MAILED.get(event.type);
  const address = mailAddressOf(event);
  if (rule === undefined || address === null) return false;
  const key = keyOf("mail", event.tenantId, event.type, address);
  return reserve(turn, [{ key, rule, countsFrom: 0 }], event.createInstant).admitted;
}

function insert({ sql }: Turn, receiver: string, event: UserEvent): void {
  const lane = laneOf(event);
  const at = event.createInstant;
  sql(
    `INSERT INTO outbox (receiver, lane, event, written, attempts, due)
     VALUES (?, ?, ?, ?, 0, CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE receiver = ? AND lane = ?) THEN NULL ELSE ? END)`,
  ).run(receiver, lane, JSON.stringify(event), at, receiver, lane, at);
}

// One look-up for each receiver, however many rows wait.
function dueOf({ sql }: Turn): { receiver: string; due: number }[] {
  const next = sql(
    "SELECT receiver, due FROM outbox WHERE due IS NOT NULL AND receiver > ? ORDER BY receiver, due LIMIT 1",
  );
  const found: { receiver: string; due: number }[] = [];
  for (let row = next.get(""); row !== undefined; ) {
    const receiver = text(row, "receiver");
    found.push({ receiver, due: integer(row, "due") });
    row = next.get(receiver);
  }
  return found;
}

function claim(turn: Turn, receiver: string, limit: number, at: number, leaseMs: number): Delivery[] {
  const rows = turn.sql(
    `UPDATE outbox SET due = ?, attempts = attempts + 1 WHERE number IN
       (SELECT number FROM outbox WHERE receiver = ? AND due <= ? ORDER BY due, number LIMIT ?)
     RETURNING number, receiver, event, written, attempts`,
  );
  return rows.all(at + leaseMs, receiver, at, limit).map(deliveryOf);
}
