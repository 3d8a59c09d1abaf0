// Who the other end is where proxies stand between: X-Forwarded-For is believed from its right end, and only as far as proxies wrote
// it that the configuration names. Everything further left was said by whoever asked, and is hearsay to be judged by routes.ts.
// X-Forwarded-Proto, -Host and Forwarded are read nowhere: the scheme of cookies and documents is the configured issuer's.

import { BlockList, isIP } from "node:net";
import { ipAddressOf } from "./request.ts";

/** A request as the first proxy of ours got it, and from where. */
export interface Arrival {
  /** Its `X-Forwarded-For` is what the other end itself wrote, without what proxies of ours added. */
  request: Request;
  /** The other end; null where it can't be told. */
  address: string | null;
}

/** Tells who asks, from the connection's other end and the request's headers. */
export type Receive = (request: Request, peer: string | undefined) => Arrival;

/** A word for addresses of which each machine has its own. */
const LOOPBACK = "loopback";

/**
 * `Receive` with these trusted proxies: addresses, CIDR ranges, or the word "loopback". Throws a TypeError that names the option.
 *
 * @example trustedProxies(["loopback", "10.0.0.0/8", "2001:db8::/32"])
 */
export function trustedProxies(ranges: readonly string[]): Receive {
  const trusted = listOf(ranges);
  if (ranges.length === 0) return (request, peer) => ({ request, address: ipAddressOf(peer ?? "") });
  return (request, peer) => {
    const chain = (request.headers.get("x-forwarded-for") ?? "").split(",").map((entry) => entry.trim());
    let address = ipAddressOf(peer ?? "");
    let added = false;
    while (address !== null && isIn(trusted, address) && chain.at(-1)) {
      // The right-most entry is what this proxy saw at its other end; what is no address there leaves it unknown.
      address = addressIn(chain.pop() ?? "");
      added = true;
    }
    return { request: added ? withForwarded(request, chain.join(", ")) : request, address };
  };
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  const each = ranges.flatMap((range) => (range === LOOPBACK ? ["127.0.0.0/8", "::1"] : [range]));
  for (const range of each) {
    const [address = "", bits, ...more] = range.split("/");
    const family = isIP(address);
    const longest = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (family === 0 || more.length > 0 || address.includes("%") || prefix < 0 || prefix > longest)
      throw new TypeError(
        '"trustedProxies" must hold addresses, CIDR ranges like "10.0.0.0/8", or "loopback"',
      );
    list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
    // Everybody's word would be believed; IPv6 ranges with ::ffff:0:0/96 in them hold every IPv4 address.
    const holdsAllIpv4 = isIn(list, "0.0.0.0") && isIn(list, "255.255.255.255");
    if (prefix === 0 || holdsAllIpv4)
      throw new TypeError('"trustedProxies" must not hold a range of all addresses');
  }
  return list;
}

// An IPv4 address in IPv6 form (RFC 4291 §2.5.5.2), as sockets for both have it, is found among the IPv4 ranges, too.
function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

// "192.0.2.1", "192.0.2.1:443", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443": proxies write all of these.
function addressIn(entry: string): string | null {
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(entry) ?? [];
  const [, withoutPort] = /^([\d.]+):\d{1,5}$/.exec(entry) ?? [];
  return ipAddressOf(bracketed ?? withoutPort ?? entry);
}

function withForwarded(request: Request, said: string): Request {
  const headers = new Headers(request.headers);
  if (said === "") headers.delete("x-forwarded-for");
  else headers.set("x-forwarded-for", said);
  return new Request(request, { headers });
}
