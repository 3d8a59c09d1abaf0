/** Counts the round trips to a Postgres: a relay on loopback that reads in passing how often the server says that it is ready again. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A running relay. */
export interface CountedAnswers {
  /** How often the server has said that it is ready for the next query, over all connections. */
  readonly answers: number;
  /** The same address with this relay's port. */
  through(url: string): string;
  close(): Promise<void>;
}

/** Starts a relay to a port of 127.0.0.1. */
export async function answersCounted(target: number): Promise<CountedAnswers> {
  const sockets = new Set<Socket>();
  let answers = 0;
  const relay = createServer((client) => {
    const server = connect({ port: target, host: "127.0.0.1" });
    let unread: Buffer = Buffer.alloc(0);
    server.on("data", (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      // A message is a letter, then its length in four bytes that count themselves; Z is ReadyForQuery.
      while (unread.length >= 5 && unread.length >= 1 + unread.readUInt32BE(1)) {
        if (unread[0] === 0x5a) answers++;
        unread = unread.subarray(1 + unread.readUInt32BE(1));
      }
      client.write(chunk);
    });
    client.pipe(server);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        server.destroy();
      });
    }
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const address = relay.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    get answers() {
      return answers;
    },
    through(url) {
      const through = new URL(url);
      through.port = String(port);
      return through.href;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      relay.close();
      await once(relay, "close");
    },
  };
}
