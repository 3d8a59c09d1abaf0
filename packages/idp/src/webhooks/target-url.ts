// Which URLs a webhook may have. Events hold personal data, and the call comes from inside the network (CWE-918): TLS proves who
// the receiver is, this machine needs no proof, and any other host must have been named in the configuration.

import { isLoopback, type ResolvedConfig } from "../config.ts";

type Config = Pick<ResolvedConfig, "webhooks">;

/** The URL if it may be called; null for what is none, for plain http to another machine, and for one with a password in it. */
export function targetUrl(config: Config, text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== "" || url.password !== "" || url.hash !== "") return null;
  const mayBePlain = url.protocol === "http:" && (isLoopback(url) || isNamed(config, url));
  return url.protocol === "https:" || mayBePlain ? url : null;
}

/**
 * The same for a caller that is bound to one tenant, to whom this machine is another one: what listens on it without TLS was
 * hidden from him until the provider calls it on his behalf (ASVS 13.2.4).
 */
export function targetUrlOfTenant(config: Config, text: string): URL | null {
  const url = targetUrl(config, text);
  return url !== null && (url.protocol === "https:" || isNamed(config, url)) ? url : null;
}

function isNamed({ webhooks }: Config, { host }: URL): boolean {
  return webhooks.plainHttpTo.includes(host);
}
