// The webhook of a row, of SQLite or of Postgres, and the columns of a webhook. What nobody looks for is one column of JSON.

import { integer, type Row, text, textOrNull } from "./columns.ts";
import type { Webhook } from "./user-event.ts";

/** The columns tenant_ids, events, settings and sealed_secrets. */
export function webhookColumns(webhook: Webhook): [string | null, string, string, string] {
  const { tenantIds, events, sealedSecrets, ...rest } = webhook;
  const { url, description, connectTimeout, readTimeout, signed, data } = rest;
  const settings = { url, description, connectTimeout, readTimeout, signed, data };
  const tenants = tenantIds === null ? null : JSON.stringify(tenantIds);
  return [tenants, JSON.stringify(events), JSON.stringify(settings), sealedSecrets];
}

/** The webhook of a row; throws a TypeError or SyntaxError for a row that is damaged. */
export function webhookOf(row: Row): Webhook {
  const tenantIds = textOrNull(row, "tenant_ids");
  return {
    id: text(row, "id"),
    tenantIds: tenantIds === null ? null : JSON.parse(tenantIds),
    events: JSON.parse(text(row, "events")),
    ...JSON.parse(text(row, "settings")),
    sealedSecrets: text(row, "sealed_secrets"),
    version: integer(row, "version"),
    insertInstant: integer(row, "inserted"),
    lastUpdateInstant: integer(row, "updated"),
  };
}
