// Known devices in Postgres: which of a user's devices he has signed in from. Whoever changes them holds the user's row.

import { DEVICE_UNUSED_FOR_MS, MOST_DEVICES_OF_A_USER } from "../bounds.ts";
import { integer } from "../columns.ts";
import { type Connection, type Database, statement } from "./database.ts";
import type { KnownDeviceStore } from "../store.ts";

const IS_KNOWN = statement(
  "device-is-known",
  "SELECT 1 FROM known_devices WHERE user_id = $1 AND device = $2 AND last_used > $3",
);
const SWEEP = statement(
  "device-sweep",
  `WITH unused AS MATERIALIZED (
     SELECT user_id, device FROM known_devices WHERE last_used <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
   ) DELETE FROM known_devices USING unused
     WHERE known_devices.user_id = unused.user_id AND known_devices.device = unused.device`,
);
const COUNT = statement(
  "device-count",
  `SELECT count(*) FILTER (WHERE device = $2 AND last_used > $3) AS known,
     count(*) FILTER (WHERE last_used > $3) AS used, count(*) FILTER (WHERE device <> $2) AS others
   FROM known_devices WHERE user_id = $1`,
);
const REMEMBER = statement(
  "device-remember",
  `INSERT INTO known_devices (user_id, device, last_used) VALUES ($1, $2, $3)
   ON CONFLICT (user_id, device) DO UPDATE SET last_used = excluded.last_used`,
);
const FORGET_OLDEST = statement(
  "device-forget-oldest",
  `DELETE FROM known_devices WHERE user_id = $1 AND device <> $2 AND device NOT IN
     (SELECT device FROM known_devices WHERE user_id = $1 AND device <> $2 ORDER BY last_used DESC LIMIT $3)`,
);
const FORGET_ALL = statement("device-forget-all", "DELETE FROM known_devices WHERE user_id = $1");

/** The known devices of this database; `now` is the store's clock. */
export function postgresKnownDevices(database: Database, now: () => number): KnownDeviceStore {
  return {
    isKnown: async (userId, device) =>
      (await database.row(IS_KNOWN, userId, device, now() - DEVICE_UNUSED_FOR_MS)) !== null,
    sweep: (limit) => database.run(SWEEP, now() - DEVICE_UNUSED_FOR_MS, limit),
  };
}

/**
 * Inside a step that holds the user: remembers the device as just used; true if it was not known and the user has others.
 */
export async function rememberDevice(
  connection: Connection,
  userId: string,
  device: string,
  at: number,
): Promise<boolean> {
  const row = (await connection.row(COUNT, userId, device, at - DEVICE_UNUSED_FOR_MS)) ?? {};
  await connection.run(REMEMBER, userId, device, at);
  if (integer(row, "others") >= MOST_DEVICES_OF_A_USER)
    await connection.run(FORGET_OLDEST, userId, device, MOST_DEVICES_OF_A_USER - 1);
  return integer(row, "known") === 0 && integer(row, "used") > 0;
}

/** Inside a step that holds the user: a device that signed in with the old password has proved nothing about the new one. */
export async function forgetDevices(connection: Connection, userId: string): Promise<void> {
  await connection.run(FORGET_ALL, userId);
}
