/**
 * Which addresses count as one place: who has IPv6 has a /64 at least and changes addresses inside it (RFC 6177, RFC 8981); an
 * IPv4 address written as IPv6 is the IPv4 address (RFC 4291 §2.5.5.2). Pure; trusts nothing about the text.
 */
import { isIPv6 } from "node:net";

/**
 * One text for all addresses that count as one; `null` where none is known. What is no IP address (some proxies write
 * other things) counts as itself.
 */
export function addressRange(address: string | undefined): string | null {
  if (address === undefined || address === "") return null;
  const unscoped = address.replace(/%.*$/, "");
  if (!isIPv6(unscoped)) return address;
  const groups = groupsOf(unscoped);
  const isMapped = groups.slice(0, 6).join(":") === "0:0:0:0:0:ffff";
  return isMapped ? dotted(groups.slice(6)) : `${groups.slice(0, 4).join(":")}::/64`;
}

/** The eight groups, in hexadecimal without leading zeros. */
function groupsOf(address: string): string[] {
  // A URL spells an IPv6 host in one way only (RFC 5952), dotted quads as two groups.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const before = head.split(":").filter(Boolean);
  const after = (tail ?? "").split(":").filter(Boolean);
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => "0"), ...after];
}

function dotted(groups: readonly string[]): string {
  return groups
    .map((group) => Number.parseInt(group, 16))
    .flatMap((value) => [value >> 8, value & 0xff])
    .join(".");
}
