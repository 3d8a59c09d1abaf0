// A browser whose session has expired each time it comes: it gets its page and a new pair of cookies in the same answer, and comes back with those.
import { setTimeout as pause } from "node:timers/promises";
import { valuesOf, written } from "../connection.ts";
import type { Turn } from "../lane.ts";
import { isPageOf } from "../page.ts";

/** A browser. */
export interface Browser {
  /** Who has signed in with it. */
  readonly name: string;
  /** Its Cookie header. */
  readonly cookie: string;
}

const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/** Milliseconds in which a session is over, however the clocks' steps fall; far more lanes wait than are answered in it. */
const over = 10;

export const turn: Turn<Browser> = async (connection, { name, cookie }, { host }) => {
  await pause(over);
  const headers = { Host: host, "User-Agent": agent, Accept: "text/html", Cookie: cookie };
  const answer = await connection.ask(written("GET", "/page", headers));
  if (answer.status !== 200) throw new Error(`/page answered ${answer.status}`);
  if (!isPageOf(answer.body, name)) throw new Error("/page is not the right page");
  const cookies = new Map(cookie.split("; ").map(pairOf));
  const set = valuesOf(answer, "set-cookie").map((line) => pairOf(line.split(";", 1)[0] ?? ""));
  const changed = set.filter(([cookieName, value]) => value !== "" && cookies.get(cookieName) !== value);
  if (changed.length !== 2) throw new Error(`/page set ${changed.length} new cookies, not a pair`);
  for (const [cookieName, value] of set) cookies.set(cookieName, value);
  return { name, cookie: Array.from(cookies, ([cookieName, value]) => `${cookieName}=${value}`).join("; ") };
};

function pairOf(text: string): [string, string] {
  const equals = text.indexOf("=");
  return [text.slice(0, equals), text.slice(equals + 1)];
}
