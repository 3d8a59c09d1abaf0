// Listens to everything this process prints and publishes, and passes it through unchanged.
// It must not judge what it hears: test/leak-watch.ts does.
import { subscribe } from "node:diagnostics_channel";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { format, types } from "node:util";

/** Called with each text and where it was written to. */
export type Heard = (source: string, text: string) => void;

/** Listens to console, stdout and stderr, by whichever door: vitest's console does not write to stdout. */
export function watchOutput(heard: Heard): void {
  for (const method of ["log", "info", "warn", "error", "debug", "trace", "dir", "table"] as const) {
    const original = console[method].bind(console);
    console[method] = (...args: unknown[]) => {
      heard(`console.${method}`, `${format(...args)} ${[...texts(args)].join(" ")}`);
      original(...args);
    };
  }
  watchStream(process.stdout, "stdout", heard);
  watchStream(process.stderr, "stderr", heard);
  watchDescriptors(heard);
}

/** Listens to diagnostics channels: every string anywhere in a message, on its own. */
export function watchEvents(channels: readonly string[], heard: Heard): void {
  for (const channel of channels) {
    subscribe(channel, (message) => {
      for (const text of texts(message)) heard(`an event on ${channel}`, text);
    });
  }
}

function watchStream(stream: NodeJS.WriteStream, name: string, heard: Heard): void {
  const write = new Proxy(stream.write.bind(stream), {
    apply(target, self, args) {
      heard(name, textOf(args[0]));
      return Reflect.apply(target, self, args);
    },
  });
  Object.assign(stream, { write });
}

// A logger may write to the descriptors 1 and 2 themselves, as pino does.
function watchDescriptors(heard: Heard): void {
  const listening = <F extends (...args: never[]) => unknown>(write: F): F =>
    new Proxy(write, {
      apply(target, self, args) {
        if (args[0] === 1 || args[0] === 2) heard(`descriptor ${args[0]}`, textOf(args[1]));
        return Reflect.apply(target, self, args);
      },
    });
  Object.assign(fs, { write: listening(fs.write), writeSync: listening(fs.writeSync) });
  syncBuiltinESMExports();
}

function textOf(chunk: unknown): string {
  return types.isUint8Array(chunk) ? Buffer.from(chunk).toString() : String(chunk);
}

/** Every string in a value at any depth: JSON would pass over errors, maps, and bytes. */
export function* texts(value: unknown, seen: Set<object> = new Set()): Generator<string> {
  if (typeof value === "string") yield value;
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    yield bytes.toString();
    yield bytes.toString("base64");
    return;
  }
  for (const part of partsOf(value)) yield* texts(part, seen);
}

function partsOf(value: object): unknown[] {
  const own = Object.entries(value).flat();
  if (value instanceof Error) return [value.name, value.message, value.stack, value.cause, ...own];
  if (value instanceof Map || value instanceof Set || value instanceof Headers) {
    return [...Array.from<unknown>(value), ...own];
  }
  if (value instanceof URL) return [value.href];
  return own;
}
