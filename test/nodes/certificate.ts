// A certificate for this run: for nginx to show, and for nodes and browsers of the test to trust.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Where it is, and what it says. */
export interface Certificate {
  readonly path: string;
  readonly keyPath: string;
  readonly pem: string;
}

/** Makes one for `localhost` and 127.0.0.1 in a folder. */
export function makeCertificate(folder: string): Certificate {
  const [path, keyPath] = [join(folder, "tls.pem"), join(folder, "tls.key")];
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const out = ["-subj", "/CN=latchkey test", "-addext", names, "-keyout", keyPath, "-out", path];
  execFileSync("openssl", ["req", ...kind, ...out], { stdio: "pipe" });
  return { path, keyPath, pem: readFileSync(path, "utf8") };
}
