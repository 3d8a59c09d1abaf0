// Ports for servers whose address has to be known before they listen.
import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";

/** Below the range that systems hand out by themselves, so that no connection made meanwhile takes one of them. */
const range = [10_000, 32_000] as const;

/** Ports on loopback that nobody listens on; all are held at once while they are chosen, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const [server, port] = [createServer(), randomInt(...range)];
    if (!(await listens(server, port))) continue;
    servers.push(server);
    ports.push(port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
}
