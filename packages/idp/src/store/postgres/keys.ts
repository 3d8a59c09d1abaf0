// API keys and signing keys in Postgres.

import { type Connection, type Database, statement } from "./database.ts";
import type { ApiKey } from "../records.ts";
import { apiKeyOf, signingKeyOf } from "../rows.ts";
import { savedOrDuplicate } from "./saved.ts";
import type { ApiKeyStore, SigningKeyStore } from "../store.ts";

const COLUMNS = `id, hash, name, key_manager, tenant_id, permissions, meta_data, expiration, sample,
  version, inserted, updated`;

const INSERT = statement(
  "api-key-insert",
  `INSERT INTO api_keys (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
);
const FIND = statement("api-key-find", `SELECT ${COLUMNS} FROM api_keys WHERE id = $1`);
const FIND_BY_HASH = statement("api-key-find-by-hash", `SELECT ${COLUMNS} FROM api_keys WHERE hash = $1`);
const LIST = statement("api-key-list", `SELECT ${COLUMNS} FROM api_keys ORDER BY inserted, id`);
const UPDATE = statement(
  "api-key-update",
  `UPDATE api_keys SET name = $3, permissions = $4, meta_data = $5, expiration = $6, updated = $7, version = version + 1
   WHERE id = $1 AND version = $2`,
);
const DELETE = statement("api-key-delete", "DELETE FROM api_keys WHERE id = $1");

const SIGNING_COLUMNS = "kid, algorithm, public_key, sealed_private_key, inserted, verifies_until";

// Two nodes that insert at once would each not see the other's key, and both would stay without an end.
const HOLD_RING = statement("signing-key-hold-ring", "LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE");
const FORGET_ENDED = statement(
  "signing-key-forget-ended",
  "DELETE FROM signing_keys WHERE verifies_until <= $1",
);
const END_OTHERS = statement(
  "signing-key-end-others",
  "UPDATE signing_keys SET verifies_until = $1 WHERE verifies_until IS NULL",
);
const INSERT_SIGNING = statement(
  "signing-key-insert",
  `INSERT INTO signing_keys (${SIGNING_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)`,
);
const LIST_SIGNING = statement(
  "signing-key-list",
  `SELECT ${SIGNING_COLUMNS} FROM signing_keys WHERE verifies_until IS NULL OR verifies_until > $1
   ORDER BY verifies_until IS NOT NULL, inserted DESC, kid`,
);
const RESEAL = statement(
  "signing-key-reseal",
  "UPDATE signing_keys SET sealed_private_key = $2 WHERE kid = $1",
);
const RETIRE = statement("signing-key-retire", "DELETE FROM signing_keys WHERE kid = $1");

// Where the newest is retired, a rotation taken back, the one before it would end after a day and leave none that signs.
const UNEND_NEWEST = statement(
  "signing-key-unend-newest",
  `UPDATE signing_keys SET verifies_until = NULL WHERE kid =
     (SELECT kid FROM signing_keys ORDER BY verifies_until DESC, inserted DESC, kid LIMIT 1)`,
);

/** The API keys of this database. */
export function postgresApiKeys(database: Database): ApiKeyStore {
  return {
    insert: (key) => savedOrDuplicate(insertApiKey(database, key)),

    async find(id) {
      const row = await database.row(FIND, id);
      return row === null ? null : apiKeyOf(row);
    },

    async findByHash(hash) {
      const row = await database.row(FIND_BY_HASH, hash);
      return row === null ? null : apiKeyOf(row);
    },

    list: async () => (await database.rows(LIST)).map(apiKeyOf),
    update: (key) => savedOrDuplicate(updateApiKey(database, key)),
    delete: async (id) => (await database.run(DELETE, id)) === 1,
  };
}

/** The signing keys of this database; `now` decides whose time is over. */
export function postgresSigningKeys(database: Database, now: () => number): SigningKeyStore {
  return {
    insert: (key, others) =>
      database.step(async (connection) => {
        await connection.run(HOLD_RING);
        await connection.run(FORGET_ENDED, now());
        await connection.run(END_OTHERS, others);
        const { kid, algorithm, publicKey, sealedPrivateKey, insertInstant, verifiesUntil } = key;
        const values = [kid, algorithm, publicKey, sealedPrivateKey, insertInstant, verifiesUntil];
        await connection.run(INSERT_SIGNING, ...values);
      }),

    list: async () => (await database.rows(LIST_SIGNING, now())).map(signingKeyOf),

    async reseal(kid, sealedPrivateKey) {
      await database.run(RESEAL, kid, sealedPrivateKey);
    },

    retire: (kid) =>
      database.step(async (connection) => {
        await connection.run(HOLD_RING);
        const isGone = (await connection.run(RETIRE, kid)) === 1;
        await connection.run(UNEND_NEWEST);
        return isGone;
      }),
  };
}

async function insertApiKey(connection: Connection, key: ApiKey): Promise<void> {
  await connection.run(
    INSERT,
    key.id,
    key.hash,
    key.name,
    key.keyManager,
    key.tenantId,
    JSON.stringify(key.permissions),
    JSON.stringify(key.metaData),
    key.expirationInstant,
    key.sample,
    key.version,
    key.insertInstant,
    key.lastUpdateInstant,
  );
}

async function updateApiKey(connection: Connection, key: ApiKey): Promise<boolean> {
  const changed = await connection.run(
    UPDATE,
    key.id,
    key.version,
    key.name,
    JSON.stringify(key.permissions),
    JSON.stringify(key.metaData),
    key.expirationInstant,
    key.lastUpdateInstant,
  );
  return changed === 1;
}
