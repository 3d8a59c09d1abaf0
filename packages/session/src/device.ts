/**
 * Devices: the name a person recognises one by, from what its browser says of itself, shown and never trusted; and the id
 * the provider knows one by, from a cookie. Neither opens anything.
 */
import { hash } from "node:crypto";

const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\bHeadlessChrome\/|\bChrome\/|\bCriOS\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];

const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** "Firefox on Windows", or as much of it as can be told; "Unknown device" for the rest. */
export function deviceName(userAgent: string | undefined): string {
  const text = userAgent?.slice(0, 512) ?? "";
  const browser = browsers.find(([pattern]) => pattern.test(text))?.[1];
  const system = systems.find(([pattern]) => pattern.test(text))?.[1];
  if (browser === undefined) return system ?? "Unknown device";
  return system === undefined ? browser : `${browser} on ${system}`;
}

/**
 * What the provider knows a browser by: stable for each browser and application. Derived, so that the provider's records
 * can't be used to pass for that browser; not keyed, since the value is random, and a rolled key must not make every device new.
 */
export function deviceId(application: string, deviceCookie: string): string {
  return hash("sha256", `device\n${application}\n${deviceCookie}`, "base64url");
}
