/**
 * The TLS end in front of a target, with a certificate made for the run: hands requests on by host name, and serves the
 * attacker's pages on the hosts that are the attacker's. Names are mapped in the browser; nothing is resolved or trusted
 * outside this run.
 */
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Store and Forum, and where the attacker has pages: a sibling host of the same site, and another site. */
export const hosts = {
  store: "store.company.test",
  forum: "forum.company.test",
  sibling: "evil.company.test",
  otherSite: "evil.test",
};

/** What the attacker's host answers on every path. */
export interface AttackerPage {
  readonly html: string;
  readonly setCookies?: readonly string[];
}

/** A running front. */
export interface TlsFront {
  readonly port: number;
  /** PEM, for clients. */
  readonly certificate: string;
  /** Base64 SHA-256 of the public key, for Chromium. */
  readonly publicKeyHash: string;
  /** Puts a page on both of the attacker's hosts. */
  attackerServes(page: AttackerPage): void;
  close(): Promise<void>;
}

/** Starts a front; the ports of the applications behind it are asked for with each request. */
export async function startTlsFront(portOf: (name: "store" | "forum") => number): Promise<TlsFront> {
  const { key, certificate } = makeCertificate();
  let page: AttackerPage = { html: "" };
  const server = createServer({ key, cert: certificate }, (incoming, response) => {
    const host = (incoming.headers.host ?? "").replace(/:\d+$/, "");
    if (host === hosts.store) pass(incoming, response, portOf("store"));
    else if (host === hosts.forum) pass(incoming, response, portOf("forum"));
    else serve(response, page);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const { publicKey } = new X509Certificate(certificate);
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    certificate,
    publicKeyHash: createHash("sha256")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest("base64"),
    attackerServes(next) {
      page = next;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function pass(incoming: IncomingMessage, response: ServerResponse, port: number): void {
  const { method, url, headers } = incoming;
  const onward = request({ host: "127.0.0.1", port, method, path: url, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(response);
  });
  onward.on("error", () => response.writeHead(502).end());
  incoming.pipe(onward);
}

function serve(response: ServerResponse, { html, setCookies = [] }: AttackerPage): void {
  response.setHeader("content-type", "text/html; charset=utf-8");
  if (setCookies.length > 0) response.setHeader("set-cookie", setCookies);
  response.end(html);
}

function makeCertificate(): { key: string; certificate: string } {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-lab-tls-"));
  const [keyFile, certificateFile] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const names = ["DNS:*.company.test", "DNS:evil.test"].join();
  try {
    const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1".split(" ");
    const subject = ["-subj", "/CN=company.test", "-addext", `subjectAltName=${names}`];
    execFileSync("openssl", [...request, ...subject, "-keyout", keyFile, "-out", certificateFile], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    return { key: readFileSync(keyFile, "utf8"), certificate: readFileSync(certificateFile, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
