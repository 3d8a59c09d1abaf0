/** Reading what a form sent. A body is whatever a stranger typed: no field is trusted to be there, once, or text. */

/** A field's value; `null` unless it was sent exactly once. */
export function field(body: unknown, name: string): string | null {
  if (typeof body !== "object" || body === null) return null;
  const value: unknown = Object.getOwnPropertyDescriptor(body, name)?.value;
  return typeof value === "string" ? value : null;
}

/** A number in its plain spelling, as ids and page numbers have it; `null` for anything else. */
export function wholeNumber(value: unknown): number | null {
  return typeof value === "string" && /^[1-9][0-9]{0,14}$/.test(value) ? Number(value) : null;
}

/** A text as it will be stored, and what is wrong with it; `null` if nothing is. */
export interface CheckedText {
  readonly text: string;
  readonly problem: string | null;
}

/** The longest title and the longest post, in characters as browsers count them for `maxlength`. */
export const longest = { title: 120, post: 5_000 };

/** A thread's title: one line. */
export function titleField(body: unknown): CheckedText {
  const text = (field(body, "title") ?? "").trim();
  const isOneLine = text.isWellFormed() && !/\p{Cc}/u.test(text);
  if (text === "") return { text, problem: "A thread needs a title." };
  if (!isOneLine) return { text, problem: "A title is one line of plain text." };
  return { text, problem: tooLong("title", text) };
}

/** The text of a post: lines. */
export function postField(body: unknown): CheckedText {
  // A browser sends a line break as CR LF and counts it as one character.
  const text = (field(body, "text") ?? "").replace(/\r\n?/g, "\n").trim();
  const isPlain = text.isWellFormed() && !/[^\P{Cc}\n\t]/u.test(text);
  if (text === "") return { text, problem: "There is nothing to post yet." };
  if (!isPlain) return { text, problem: "A post is plain text." };
  return { text, problem: tooLong("post", text) };
}

function tooLong(kind: keyof typeof longest, text: string): string | null {
  const most = longest[kind];
  if (text.length <= most) return null;
  return `A ${kind} has at most ${most.toLocaleString("en-GB")} characters; this has ${text.length.toLocaleString("en-GB")}.`;
}
