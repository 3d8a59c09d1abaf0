/** Reads a webhook's body, within a size and a time: whoever sends it has not shown yet who they are. */

/** FusionAuth's largest events carry a user twice. */
const largestBody = 65_536;

/** Milliseconds a sender has for its body. */
const patience = 10_000;

/** The body; "too-large" or "incomplete" as soon as that is known, and then nothing more is read. */
export async function readWebhookBody(
  chunks: AsyncIterable<Uint8Array>,
): Promise<Buffer | "too-large" | "incomplete"> {
  // Not `for await`: leaving one early destroys the stream, and with it the connection the answer has to take.
  const iterator = chunks[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  let length = 0;
  const timeout = Promise.withResolvers<"too-late">();
  const timer = setTimeout(() => timeout.resolve("too-late"), patience);
  try {
    for (;;) {
      const next = iterator.next().catch(() => "broken-off" as const);
      const part = await Promise.race([next, timeout.promise]);
      if (typeof part === "string") return "incomplete";
      if (part.done === true) return Buffer.concat(read);
      length += part.value.length;
      if (length > largestBody) return "too-large";
      read.push(part.value);
    }
  } finally {
    clearTimeout(timer);
  }
}
