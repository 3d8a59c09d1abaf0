/** What a page says after a redirect. The address carries a word of this list and nothing else, so that no link can say more. */
import { field } from "./fields.ts";

const notices: ReadonlyMap<string | null, string> = new Map([
  ["device", "That device is signed out."],
  ["others", "All other devices are signed out."],
  ["everywhere", "You are signed out on all your devices."],
  ["password", "Your password is changed. Everywhere else you have to sign in with the new one."],
]);

/** The sentence for the `done` of a query; `null` for what is not on the list. */
export function notice(query: unknown): string | null {
  return notices.get(field(query, "done")) ?? null;
}
