// Redis in the shapes it is run in: a Cluster of three, a master with a replica and a Sentinel, a server that speaks TLS; and
// connections of the tests' own to look inside.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePorts } from "../../../test/free-ports.ts";
import { startChild } from "../../../test/servers/child.ts";
import { type RedisServer, redisProgram, startRedis } from "../../../test/servers/redis.ts";
import { until } from "../src/store/conformance/records.ts";

/** A connection of a test's own; what it says of itself when it breaks, nobody needs. */
export function raw(port: number): Redis {
  return new Redis({ port, host: "127.0.0.1" }).on("error", () => undefined);
}

/** Asks a server once. */
export async function ask(port: number, ...command: [string, ...(string | number)[]]): Promise<unknown> {
  const connection = raw(port);
  try {
    return await connection.call(...command);
  } finally {
    connection.disconnect();
  }
}

/** Three masters that share the slots. */
export interface TestCluster {
  readonly nodes: readonly RedisServer[];
  readonly url: string;
  remove(): Promise<void>;
}

/** Starts a Cluster and waits until every node says that it is whole. */
export async function startCluster(): Promise<TestCluster> {
  const buses = await freePorts(3);
  const settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port"];
  const nodes = await Promise.all(buses.map((bus) => startRedis([...settings, String(bus)])));
  const remove = async () => void (await Promise.all(nodes.map((node) => node.remove())));
  try {
    await makeWhole(nodes, buses);
  } catch (error) {
    await remove();
    throw error;
  }
  const url = `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  return { nodes, url, remove };
}

async function makeWhole(nodes: readonly RedisServer[], buses: readonly number[]): Promise<void> {
  const slots = [0, 5_461, 10_923, 16_384];
  for (const [n, { port }] of nodes.entries()) {
    await ask(port, "cluster", "addslotsrange", slots[n] ?? 0, (slots[n + 1] ?? 0) - 1);
    await ask(port, "cluster", "set-config-epoch", n + 1);
    await ask(nodes[0]?.port ?? 0, "cluster", "meet", "127.0.0.1", port, buses[n] ?? 0);
  }
  await clusterIsWhole(nodes);
}

/** Waits until every node of a Cluster says that it is whole. */
export async function clusterIsWhole(nodes: readonly RedisServer[]): Promise<void> {
  for (const { port } of nodes) {
    await until(async () => {
      const info = String(await ask(port, "cluster", "info"));
      return info.includes("cluster_state:ok") && info.includes("cluster_known_nodes:3");
    }, 10_000);
  }
}

/** A master, its replica, and the Sentinel that watches them. */
export interface TestSentinel {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly port: number;
  /** redis+sentinel://…/main */
  readonly url: string;
  /** The port of the master as the Sentinel has it. */
  masterPort(): Promise<number>;
  remove(): Promise<void>;
}

/** Starts them and waits until the Sentinel knows the replica. */
export async function startSentinel(): Promise<TestSentinel> {
  const program = redisProgram();
  if (program.path === null) throw new Error(program.reason);
  // Redis would wait five seconds for more replicas to serve at once.
  const soon = ["--repl-diskless-sync-delay", "0"];
  const master = await startRedis(soon);
  const replica = await startRedis([...soon, "--replicaof", "127.0.0.1", String(master.port)]);
  const folder = mkdtempSync(join(tmpdir(), "latchkey-sentinel-"));
  const [port = 0] = await freePorts(1);
  const file = join(folder, "sentinel.conf");
  writeFileSync(
    file,
    `port ${port}\nbind 127.0.0.1\ndir ${folder}
sentinel monitor main 127.0.0.1 ${master.port} 1
sentinel down-after-milliseconds main 500
sentinel failover-timeout main 1000
`,
  );
  const known = async () => ask(port, "sentinel", "replicas", "main");
  const child = await startChild(program.path, [file, "--sentinel"], async () => {
    const replicas = await known();
    return Array.isArray(replicas) && replicas.length === 1;
  });
  return {
    master,
    replica,
    port,
    url: `redis+sentinel://127.0.0.1:${port}/main`,
    async masterPort() {
      const address = await ask(port, "sentinel", "get-master-addr-by-name", "main");
      return Array.isArray(address) ? Number(address[1]) : 0;
    },
    async remove() {
      await child.stop("SIGKILL");
      await Promise.all([master.remove(), replica.remove()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A server that speaks TLS on one more port, and the authority that vouches for 127.0.0.1 there. */
export interface TestTls {
  readonly server: RedisServer;
  readonly port: number;
  readonly ca: string;
  remove(): Promise<void>;
}

/** Starts it with a new certificate, and with a password if one is given. */
export async function startTls(password: string): Promise<TestTls> {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "1",
  ];
  execFileSync("openssl", [...made, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
  const [port = 0] = await freePorts(1);
  const tls = ["--tls-port", String(port), "--tls-auth-clients", "no", "--tls-ca-cert-file", cert];
  const files = ["--tls-cert-file", cert, "--tls-key-file", key];
  const server = await startRedis([...tls, ...files, "--requirepass", password]);
  return {
    server,
    port,
    ca: readFileSync(cert, "utf8"),
    async remove() {
      await server.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
