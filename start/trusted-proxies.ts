/**
 * TRUST_PROXY: which machines are believed when they say, in X-Forwarded-For, whom they speak for. What comes from any
 * other is a stranger's word, and counts for nothing (CWE-348).
 */
import { isIP } from "node:net";
import { EnvironmentError } from "./errors.ts";

const loopback = ["127.0.0.0/8", "::1/128"];

/**
 * The addresses and CIDR ranges that `value` names: `none`, or a list of them and of `loopback`; throws EnvironmentError for
 * anything else, and for a range that holds everybody.
 */
export function trustedProxies(value: string): readonly string[] {
  if (value === "none") return [];
  return value.split(",").flatMap((entry) => {
    const each = entry.trim();
    if (each === "loopback") return loopback;
    if (isRange(each)) return [each];
    throw new EnvironmentError(
      "TRUST_PROXY",
      `"${each}" is neither none, loopback, an address nor a range like 10.0.0.0/24`,
    );
  });
}

/** Whether the text is an address, or one with the length of a prefix; a length of 0 would be the whole internet. */
function isRange(text: string): boolean {
  const [, address = "", length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const longest = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  return longest > 0 && (length === undefined || (Number(length) >= 1 && Number(length) <= longest));
}
