// What a Redis says of itself that it has carried out.
import { Redis } from "ioredis";

/** Commands that were carried out between two moments, how many of each, and bytes that were sent with them. */
export interface RedisWatch {
  begin(): Promise<void>;
  /** The commands within a script are counted, too. */
  end(): Promise<{ commands: Record<string, number>; bytes: number }>;
}

/** The Redis at REDIS_URL, which nobody else may use. */
export async function watchRedis(): Promise<RedisWatch> {
  const client = new Redis(process.env["REDIS_URL"] ?? "");
  const begin = async () => {
    await client.config("RESETSTAT");
  };
  const look = async () => {
    const text = await client.info("everything");
    const commands: Record<string, number> = {};
    for (const [, name = "", calls] of text.matchAll(/^cmdstat_([\w|]+):calls=(\d+)/gm))
      if (!/^(?:info|config\|)/.test(name)) commands[name] = Number(calls);
    return { commands, bytes: Number(/^total_net_input_bytes:(\d+)/m.exec(text)?.[1]) };
  };
  await begin();
  // What the look itself sends.
  const { bytes: overhead } = await look();
  return {
    begin,
    async end() {
      const { commands, bytes } = await look();
      return { commands, bytes: bytes - overhead };
    },
  };
}
