// Webhooks in SQLite. Which of them hear of an event is decided where the event is written, in outbox.ts.

import { MOST_WEBHOOKS_OF_A_REACH } from "../bounds.ts";
import { integer } from "../columns.ts";
import { savedOrDuplicate } from "./saved.ts";
import type { Saved, WebhookStore } from "../store.ts";
import type { Turn } from "./turn.ts";
import type { Webhook } from "../user-event.ts";
import { webhookColumns, webhookOf } from "../webhook-row.ts";

/** The webhooks of this database. */
export function sqliteWebhooks(turn: Turn): WebhookStore {
  const { sql, find, read, write } = turn;
  const savedWithin = async (webhook: Webhook, save: () => boolean): Promise<Saved | "full"> => {
    let isFull = false;
    const saved = await savedOrDuplicate(
      write(() => {
        isFull = movesInto(turn, webhook) >= MOST_WEBHOOKS_OF_A_REACH;
        return !isFull && save();
      }),
    );
    return isFull ? "full" : saved;
  };

  return {
    insert: (webhook) => savedWithin(webhook, () => insertWebhook(turn, webhook)),
    find: (id) => find("SELECT * FROM webhooks WHERE id = ?", webhookOf, id),
    list: () => read(() => sql("SELECT * FROM webhooks ORDER BY inserted, id").all().map(webhookOf)),
    update: (webhook) => savedWithin(webhook, () => updateWebhook(turn, webhook)),
    delete: (id) =>
      write(() => {
        sql("DELETE FROM outbox WHERE receiver = ?").run(id);
        return sql("DELETE FROM webhooks WHERE id = ?").run(id).changes === 1;
      }),
  };
}

// How many others have a tenant in common with it, or are global as it is: a tenant must not take the places of another one. None
// where it reaches whom it reached before.
function movesInto({ sql }: Turn, webhook: Webhook): number {
  const tenantIds = webhookColumns(webhook)[0];
  const stays = sql("SELECT 1 FROM webhooks WHERE id = ? AND tenant_ids IS ?").get(webhook.id, tenantIds);
  if (stays !== undefined) return 0;
  const row = sql(
    `SELECT count(*) AS n FROM webhooks WHERE id <> ? AND (tenant_ids IS ? OR EXISTS
       (SELECT 1 FROM json_each(tenant_ids) AS theirs JOIN json_each(?) AS ours ON theirs.value = ours.value))`,
  ).get(webhook.id, tenantIds, tenantIds);
  return integer(row ?? {}, "n");
}

function insertWebhook({ sql }: Turn, webhook: Webhook): boolean {
  sql(`INSERT INTO webhooks (id, tenant_ids, events, settings, sealed_secrets, version, inserted, updated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`).run(
    webhook.id,
    ...webhookColumns(webhook),
    webhook.version,
    webhook.insertInstant,
    webhook.lastUpdateInstant,
  );
  return true;
}

function updateWebhook({ sql }: Turn, webhook: Webhook): boolean {
  const set = sql(
    `UPDATE webhooks SET tenant_ids = ?, events = ?, settings = ?, sealed_secrets = ?, updated = ?, version = version + 1
     WHERE id = ? AND version = ?`,
  );
  const { lastUpdateInstant, id, version } = webhook;
  return set.run(...webhookColumns(webhook), lastUpdateInstant, id, version).changes === 1;
}
