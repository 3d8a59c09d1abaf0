// The body of a request as it comes, without a stream around it.
import type { IncomingMessage } from "node:http";

/** All of it; nothing bounds it. */
export function bodyOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString("latin1")));
    request.on("end", () => resolve(body));
  });
}
