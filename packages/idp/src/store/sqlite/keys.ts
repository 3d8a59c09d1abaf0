// API keys and signing keys in SQLite.

import { bit } from "./columns.ts";
import { apiKeyOf, signingKeyOf } from "../rows.ts";
import type { ApiKey } from "../records.ts";
import { savedOrDuplicate } from "./saved.ts";
import type { ApiKeyStore, SigningKeyStore } from "../store.ts";
import type { Turn } from "./turn.ts";

/** The API keys of this database. */
export function sqliteApiKeys(turn: Turn): ApiKeyStore {
  const { sql, find, read, write } = turn;
  return {
    insert: (key) => savedOrDuplicate(write(() => insertApiKey(turn, key))),
    find: (id) => find("SELECT * FROM api_keys WHERE id = ?", apiKeyOf, id),
    findByHash: (hash) => find("SELECT * FROM api_keys WHERE hash = ?", apiKeyOf, hash),
    list: () => read(() => sql("SELECT * FROM api_keys ORDER BY inserted, id").all().map(apiKeyOf)),
    update: (key) => savedOrDuplicate(write(() => updateApiKey(turn, key))),
    delete: (id) => write(() => sql("DELETE FROM api_keys WHERE id = ?").run(id).changes === 1),
  };
}

/** The signing keys of this database; `now` decides whose time is over. */
export function sqliteSigningKeys({ sql, read, write }: Turn, now: () => number): SigningKeyStore {
  return {
    insert: (key, others) =>
      write(() => {
        sql("DELETE FROM signing_keys WHERE verifies_until <= ?").run(now());
        sql("UPDATE signing_keys SET verifies_until = ? WHERE verifies_until IS NULL").run(others);
        sql(`INSERT INTO signing_keys (kid, algorithm, public_key, sealed_private_key, inserted, verifies_until)
     VALUES (?, ?, ?, ?, ?, ?)`).run(
          key.kid,
          key.algorithm,
          key.publicKey,
          key.sealedPrivateKey,
          key.insertInstant,
          key.verifiesUntil,
        );
      }),

    list: () =>
      read(() =>
        sql(
          `SELECT * FROM signing_keys WHERE verifies_until IS NULL OR verifies_until > ?
           ORDER BY verifies_until IS NOT NULL, inserted DESC, kid`,
        )
          .all(now())
          .map(signingKeyOf),
      ),

    reseal: (kid, sealedPrivateKey) =>
      write(() => {
        sql("UPDATE signing_keys SET sealed_private_key = ? WHERE kid = ?").run(sealedPrivateKey, kid);
      }),

    retire: (kid) =>
      write(() => {
        const { changes } = sql("DELETE FROM signing_keys WHERE kid = ?").run(kid);
        // Where the newest is retired, a rotation taken back, the one before it would end after a day and leave none that signs.
        sql(`UPDATE signing_keys SET verifies_until = NULL WHERE kid = (SELECT kid FROM signing_keys
     ORDER BY verifies_until DESC NULLS FIRST, inserted DESC, kid LIMIT 1)`).run();
        return changes === 1;
      }),
  };
}

function insertApiKey({ sql }: Turn, key: ApiKey): void {
  sql(`INSERT INTO api_keys (id, hash, name, key_manager, tenant_id, permissions, meta_data, expiration, sample, version, inserted, updated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
    key.id,
    key.hash,
    key.name,
    bit(key.keyManager),
    key.tenantId,
    JSON.stringify(key.permissions),
    JSON.stringify(key.metaData),
    key.expirationInstant,
    bit(key.sample),
    key.version,
    key.insertInstant,
    key.lastUpdateInstant,
  );
}

function updateApiKey({ sql }: Turn, key: ApiKey): boolean {
  const { changes } = sql(
    `UPDATE api_keys SET name = ?, permissions = ?, meta_data = ?, expiration = ?, updated = ?, version = version + 1
     WHERE id = ? AND version = ?`,
  ).run(
    key.name,
    JSON.stringify(key.permissions),
    JSON.stringify(key.metaData),
    key.expirationInstant,
    key.lastUpdateInstant,
    key.id,
    key.version,
  );
  return changes === 1;
}
