// Fills a Redis with sessions and sign-ins, as the store writes them: many commands at once over one connection.
import { once } from "node:events";
import { createConnection } from "node:net";
import { crc32 } from "node:zlib";
import { entryOf, grace } from "../../../packages/session/src/store/redis-index.ts";
import { sessionValue, signInValue } from "../../../packages/session/src/store/redis-records.ts";
import { application, type Made, peopleOf, sessionOf, signInOf, userOf } from "./made.ts";

const prefix = `latchkey:${application}:`;
/** As redis-index.ts spreads all living sign-ins. */
const buckets = 16;
const atOnce = 2_000;

type Command = readonly (string | number)[];

/** Sends commands, by the thousand; resolves when all are carried out, rejects if one is not. */
export type SendCommands = (commands: readonly Command[]) => Promise<void>;

/** Connects to a Redis for as long as `use` takes. */
export async function commands(port: number, use: (send: SendCommands) => Promise<void>): Promise<void> {
  const socket = createConnection(port, "127.0.0.1");
  await once(socket, "connect");
  await use(async (list) => {
    const answered = answers(socket, list.length);
    socket.write(list.map(encoded).join(""));
    await answered;
  });
  socket.end();
  await once(socket, "close");
}

// Each is one line, +OK or a number; an error starts with a minus.
function answers(socket: ReturnType<typeof createConnection>, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let lines = 0;
    const read = (chunk: Buffer) => {
      if (chunk.includes("-")) reject(new Error(`Redis: ${chunk.toString()}`));
      for (const byte of chunk) if (byte === 10) lines++;
      if (lines < count) return;
      socket.off("data", read);
      socket.off("error", reject);
      resolve();
    };
    socket.on("data", read);
    socket.once("error", reject);
  });
}

function encoded(command: Command): string {
  return `*${command.length}\r\n${command.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`).join("")}`;
}

/** All sessions but the one of number 0, which the store has written. */
export async function fillSessions(send: SendCommands, made: Made): Promise<void> {
  await inPortions(made.size, async (from, to) => {
    const portion: Command[] = [];
    for (let index = Math.max(from, 1); index < to; index++) {
      const session = sessionOf(index, made);
      portion.push(["SET", `${prefix}s:${session.hash}`, sessionValue(session), "PXAT", session.expiresAt]);
    }
    await send(portion);
  });
}

/** All sign-ins, and what lists them. */
export async function fillSignIns(send: SendCommands, made: Made): Promise<void> {
  await inPortions(peopleOf(made.size), async (from, to) => {
    const portion: Command[] = [];
    const lists = Array.from({ length: buckets }, (): string[] => []);
    let latest = 0;
    for (let person = from; person < to; person++) {
      const entries: string[] = [];
      for (let index = person; index < made.size; index += peopleOf(made.size)) {
        const signIn = signInOf(index, made);
        latest = Math.max(latest, signIn.absoluteExpiresAt + grace);
        const limit = signIn.absoluteExpiresAt + grace;
        portion.push(["SET", `${prefix}i:${signIn.id}`, signInValue(signIn), "PXAT", limit]);
        entries.push(entryOf(signIn));
        lists[crc32(signIn.id) % buckets]?.push(entryOf(signIn));
      }
      const key = `${prefix}u:${userOf(person).id}`;
      portion.push(["ZADD", key, ...scored(entries)], ["PEXPIREAT", key, latest]);
    }
    for (const [bucket, entries] of lists.entries()) {
      const key = `${prefix}l:${bucket}`;
      if (entries.length > 0) portion.push(["ZADD", key, ...scored(entries)], ["PEXPIREAT", key, latest]);
    }
    await send(portion);
  });
}

function scored(entries: readonly string[]): (string | number)[] {
  return entries.flatMap((entry) => [0, entry]);
}

// The next ones are made while Redis is at the ones before.
async function inPortions(count: number, fill: (from: number, to: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += atOnce) await fill(from, Math.min(from + atOnce, count));
}
