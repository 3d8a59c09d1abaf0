// Those who are told by webhook: several addresses of one process on the core of the load, which take everything and count it.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { present } from "../candidate.ts";

const counts = new Map<string, number>();
const server = createServer((request, response) => {
  request.resume().once("end", () => {
    const path = request.url ?? "";
    // Nobody who is not signed for counts.
    if (request.headers["x-fusionauth-signature-jwt"] !== undefined)
      counts.set(path, (counts.get(path) ?? 0) + 1);
    response.end();
  });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;

present({
  port,
  answers: {
    counted() {
      const counted = Object.fromEntries(counts);
      counts.clear();
      return counted;
    },
  },
});
