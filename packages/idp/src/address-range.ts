// Which addresses count as one. Who has IPv6 has a /64 at least, 2^64 addresses to guess from, so the /64 counts (RFC 6177);
// an IPv4 address written as IPv6 (RFC 4291 §2.5.5.2) is the IPv4 address. Pure.

/** One text for all addresses that count as one; null where none is known. `address` must be an IP address. */
export function addressRange(address: string | null): string | null {
  if (address === null || !address.includes(":")) return address;
  const groups = groupsOf(address.split("%")[0] ?? "");
  const [fifth = 0, sixth = 0, high = 0, low = 0] = groups.slice(4);
  if (groups.slice(0, 4).every((group) => group === 0) && fifth === 0 && sixth === 0xffff)
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")}::/64`;
}

function groupsOf(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const before = groupsIn(head);
  if (tail === undefined) return before;
  const after = groupsIn(tail);
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function groupsIn(text: string): number[] {
  return text.split(":").flatMap((part) => {
    if (part === "") return [];
    if (!part.includes(".")) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
