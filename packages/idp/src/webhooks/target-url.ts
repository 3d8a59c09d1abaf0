// Which URLs a webhook may have. Events hold personal data, and the call comes from inside the network (CWE-918): TLS proves who
// the receiver is, this machine needs no proof, and any other host must have been named in the configuration.

import { isLoopback, type ResolvedConfig } from "../config.ts";

/** The URL if it may be called; null for what is none, for plain http to another machine, and for one with a password in it. */
export function targetUrl({ webhooks }: Pick<ResolvedConfig, "webhooks">, text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== "" || url.password !== "" || url.hash !== "") return null;
  const isNamed = url.protocol === "http:" && (isLoopback(url) || webhooks.plainHttpTo.includes(url.host));
  return url.protocol === "https:" || isNamed ? url : null;
}
