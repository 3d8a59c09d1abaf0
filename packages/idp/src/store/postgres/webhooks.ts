// Webhooks in Postgres. Which of them hear of an event is decided where the event is written, in outbox.ts.

import { MOST_WEBHOOKS_OF_A_REACH } from "../bounds.ts";
import { integer } from "../columns.ts";
import { type Connection, type Database, statement } from "./database.ts";
import { savedOrDuplicate } from "./saved.ts";
import type { Saved, WebhookStore } from "../store.ts";
import type { Webhook } from "../user-event.ts";
import { webhookColumns, webhookOf } from "../webhook-row.ts";

const COLUMNS = "id, tenant_ids, events, settings, sealed_secrets, version, inserted, updated";

const FIND = statement("webhook-find", `SELECT ${COLUMNS} FROM webhooks WHERE id = $1`);
const LIST = statement("webhook-list", `SELECT ${COLUMNS} FROM webhooks ORDER BY inserted, id`);
const INSERT = statement(
  "webhook-insert",
  `INSERT INTO webhooks (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
);
const UPDATE = statement(
  "webhook-update",
  `UPDATE webhooks SET tenant_ids = $3, events = $4, settings = $5, sealed_secrets = $6, updated = $7,
     version = version + 1 WHERE id = $1 AND version = $2`,
);

// Of two that would take the last place at once one waits here. Readers do not.
const HOLD_ALL = statement("webhook-hold-all", "LOCK TABLE webhooks IN SHARE ROW EXCLUSIVE MODE");

// How many others have a tenant in common with it, or are global as it is: a tenant must not take the places of another one. None
// where it reaches whom it reached before.
const MOVES_INTO = statement(
  "webhook-moves-into",
  `SELECT count(*) AS others FROM webhooks
   WHERE id <> $1
     AND NOT EXISTS (SELECT 1 FROM webhooks WHERE id = $1 AND tenant_ids IS NOT DISTINCT FROM $2::text)
     AND (tenant_ids IS NOT DISTINCT FROM $2::text OR EXISTS (
       SELECT 1 FROM jsonb_array_elements_text(tenant_ids::jsonb) AS theirs
       JOIN jsonb_array_elements_text($2::jsonb) AS ours ON theirs = ours))`,
);

const FORGET = statement("webhook-forget", "DELETE FROM webhooks WHERE id = $1");
const FORGET_WAITING = statement("webhook-forget-waiting", "DELETE FROM outbox WHERE receiver = $1");

/** The webhooks of this database. */
export function postgresWebhooks(database: Database): WebhookStore {
  const savedWithin = async (
    webhook: Webhook,
    save: (connection: Connection) => Promise<number>,
  ): Promise<Saved | "full"> => {
    let isFull = false;
    const saved = await savedOrDuplicate(
      database.step(async (connection) => {
        await connection.run(HOLD_ALL);
        const row = await connection.row(MOVES_INTO, webhook.id, webhookColumns(webhook)[0]);
        isFull = integer(row ?? {}, "others") >= MOST_WEBHOOKS_OF_A_REACH;
        return !isFull && (await save(connection)) === 1;
      }),
    );
    return isFull ? "full" : saved;
  };

  return {
    insert: (webhook) => savedWithin(webhook, (connection) => insertWebhook(connection, webhook)),

    async find(id) {
      const row = await database.row(FIND, id);
      return row === null ? null : webhookOf(row);
    },

    list: async () => (await database.rows(LIST)).map(webhookOf),

    update: (webhook) => savedWithin(webhook, (connection) => updateWebhook(connection, webhook)),

    delete: (id) =>
      database.step(async (connection) => {
        const isGone = (await connection.run(FORGET, id)) === 1;
        await connection.run(FORGET_WAITING, id);
        return isGone;
      }),
  };
}

function insertWebhook(connection: Connection, webhook: Webhook): Promise<number> {
  const { id, version, insertInstant, lastUpdateInstant } = webhook;
  return connection.run(INSERT, id, ...webhookColumns(webhook), version, insertInstant, lastUpdateInstant);
}

function updateWebhook(connection: Connection, webhook: Webhook): Promise<number> {
  const { id, version, lastUpdateInstant } = webhook;
  return connection.run(UPDATE, id, version, ...webhookColumns(webhook), lastUpdateInstant);
}
