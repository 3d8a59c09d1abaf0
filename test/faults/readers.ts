// Honest browsers that do nothing but read their page again and again, whoever dies meanwhile.
import { setTimeout as delay } from "node:timers/promises";
import type { Browser } from "../../packages/session/test/browser.ts";
import type { World } from "./world.ts";

/** Browsers at work. */
export interface Readers {
  /** Pages so far, and whatever was none. */
  readonly seen: { readonly pages: number; readonly complaints: readonly string[] };
  stop(): Promise<void>;
}

const howMany = 3;

/** Starts them: somebody with several devices, remembered on each. */
export async function startReaders(world: World): Promise<Readers> {
  const stopped = new AbortController();
  const complaints: string[] = [];
  let pages = 0;
  const read = async (browser: Browser) => {
    while (!stopped.signal.aborted) {
      const { status, headers } = await world.insist(() => browser.get("/shopping-cart"));
      if (status === 200) pages++;
      else complaints.push(`${status} ${String(headers["location"])}`);
      await delay(100);
    }
  };
  const person = await world.person();
  const reading: Promise<void>[] = [];
  for (let reader = 0; reader < howMany; reader++)
    reading.push(read(await world.signedIn(person, { remember: "on" })));
  return {
    get seen() {
      return { pages, complaints };
    },
    async stop() {
      stopped.abort();
      await Promise.all(reading);
    },
  };
}
