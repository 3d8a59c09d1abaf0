// docs/nginx.conf as the tests run it: the file itself, with this machine's addresses put in.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Certificate } from "./certificate.ts";

/** What docs/nginx.conf is to name instead of what it names. */
export interface Addresses {
  /** Where plain http is answered. */
  readonly redirected: number;
  readonly tls: number;
  readonly store: readonly { readonly port: number }[];
  readonly provider: readonly { readonly port: number }[];
  readonly certificate: Certificate;
  readonly log: string;
}

/** docs/nginx.conf with this machine's addresses, names, paths, and shorter times; throws where the file says something else by now. */
export function nginxConfiguration({
  redirected,
  tls,
  store,
  provider,
  certificate,
  log,
}: Addresses): string {
  const put: [from: string, to: string][] = [
    ["listen 80 default_server", `listen 127.0.0.1:${redirected} default_server`],
    ["listen 443 ssl", `listen 127.0.0.1:${tls} ssl`],
    ...store.map(({ port }, index): [string, string] => [`10.0.0.1${index + 1}:3000`, `127.0.0.1:${port}`]),
    ...provider.map(({ port }, index): [string, string] => [
      `10.0.0.2${index + 1}:9011`,
      `127.0.0.1:${port}`,
    ]),
    ["server_name store.example.com", "server_name localhost"],
    ["server_name id.example.com", "server_name 127.0.0.1"],
    ["allow 10.0.0.0/24", "allow 127.0.0.0/8"],
    ["/etc/nginx/tls/latchkey.pem", certificate.path],
    ["/etc/nginx/tls/latchkey.key", certificate.keyPath],
    ["/var/log/nginx/latchkey.log", log],
    ["fail_timeout=10s", "fail_timeout=1s"],
    ["keepalive_timeout 3s", "keepalive_timeout 500ms"],
  ];
  const file = join(import.meta.dirname, "../../docs/nginx.conf");
  return put.reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`docs/nginx.conf has no "${from}"`);
      return text.replaceAll(from, to);
    },
    readFileSync(file, "utf8"),
  );
}

/** Milliseconds until nginx asks a node again that it could not reach: `fail_timeout`, in a clock of whole seconds. */
export const untilAskedAgain = 2_000;
