// Known devices in SQLite: which of a user's devices he has signed in from.

import { DEVICE_UNUSED_FOR_MS, MOST_DEVICES_OF_A_USER } from "../bounds.ts";
import { integer } from "../columns.ts";
import type { KnownDeviceStore } from "../store.ts";
import type { Turn } from "./turn.ts";

/** The known devices of this database; `now` is the store's clock. */
export function sqliteKnownDevices(turn: Turn, now: () => number): KnownDeviceStore {
  const { sql, read, write } = turn;
  return {
    isKnown: (userId, device) => read(() => isKnown(turn, userId, device, now())),
    sweep: (limit) =>
      write(() =>
        Number(
          sql(
            `DELETE FROM known_devices WHERE (user_id, device) IN
               (SELECT user_id, device FROM known_devices WHERE last_used <= ? LIMIT ?)`,
          ).run(now() - DEVICE_UNUSED_FOR_MS, limit).changes,
        ),
      ),
  };
}

/** Inside the caller's step: remembers the device as just used; true if it was not known and the user has others. */
export function rememberDevice(turn: Turn, userId: string, device: string, at: number): boolean {
  const { sql } = turn;
  const wasKnown = isKnown(turn, userId, device, at);
  const others = sql("SELECT count(*) AS n FROM known_devices WHERE user_id = ? AND last_used > ?");
  const had = integer(others.get(userId, at - DEVICE_UNUSED_FOR_MS) ?? {}, "n");
  sql(
    `INSERT INTO known_devices (user_id, device, last_used)
     VALUES (?, ?, ?) ON CONFLICT (user_id, device) DO UPDATE SET last_used = excluded.last_used`,
  ).run(userId, device, at);
  sql(
    `DELETE FROM known_devices WHERE user_id = ? AND device <> ? AND device NOT IN
       (SELECT device FROM known_devices WHERE user_id = ? AND device <> ? ORDER BY last_used DESC LIMIT ?)`,
  ).run(userId, device, userId, device, MOST_DEVICES_OF_A_USER - 1);
  return !wasKnown && had > 0;
}

/** Inside the caller's step: a device that signed in with the old password has proved nothing about the new one. */
export function forgetDevices({ sql }: Turn, userId: string): void {
  sql("DELETE FROM known_devices WHERE user_id = ?").run(userId);
}

function isKnown({ sql }: Turn, userId: string, device: string, at: number): boolean {
  const found = sql("SELECT 1 FROM known_devices WHERE user_id = ? AND device = ? AND last_used > ?");
  return found.get(userId, device, at - DEVICE_UNUSED_FOR_MS) !== undefined;
}
