/** Listening on loopback, and what to say when a port is taken. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { EnvironmentError } from "./environment.ts";

/** What answers a request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Listens on 127.0.0.1 until `open` is disposed of; throws EnvironmentError, naming the variable, if the port is taken.
 */
export async function listen(
  variable: string,
  port: number,
  handler: Handler,
  open: AsyncDisposableStack,
): Promise<void> {
  const server = createServer((request, response) => void handler(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new EnvironmentError(variable, `port ${port} is in use`) : error);
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  open.defer(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    // A browser's kept-alive connection would hold the process open: whoever is still there after 2 s is cut off.
    const patience = setTimeout(() => server.closeAllConnections(), 2_000).unref();
    await closed;
    clearTimeout(patience);
  });
}
