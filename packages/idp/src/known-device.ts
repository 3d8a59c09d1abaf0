// The device a sign-in comes from, as the application names it: `metaData.data.deviceId`, 256 random bits that a browser keeps in
// a cookie. Whoever holds it could guess past the account's throttle, so it is kept as a hash alone and never shown again.

import { createHash } from "node:crypto";
import type { TokenMetaData } from "./store/records.ts";

const DEVICE_ID = /^[A-Za-z0-9_-]{43}$/;

/**
 * The SHA-256 of the device's id, and the meta data without it. A `deviceId` of another form is the caller's own data and stays:
 * then, and without one, `device` is null.
 */
export function deviceOf(metaData: TokenMetaData | undefined): {
  device: string | null;
  metaData: TokenMetaData;
} {
  const { deviceId, ...data } = metaData?.data ?? {};
  if (typeof deviceId !== "string" || !DEVICE_ID.test(deviceId))
    return { device: null, metaData: metaData ?? {} };
  const device = createHash("sha256").update(deviceId).digest("base64url");
  const { data: _, ...others } = metaData ?? {};
  return { device, metaData: Object.keys(data).length === 0 ? others : { ...others, data } };
}
