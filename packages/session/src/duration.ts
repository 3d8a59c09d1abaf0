/** Durations as people write them: `2s`, `30m`, `12h`, `30d`. */

/** A length of time: a whole number and its unit (seconds, minutes, hours, days). */
export type Duration = `${number}${"s" | "m" | "h" | "d"}`;

const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The longest a browser keeps a cookie, which no limit of ours can usefully pass (RFC 6265bis: 400 days). */
const longest = 400 * unit.d;

/**
 * The milliseconds a duration stands for, or `null` if it is not one: anything but a whole positive number and a unit,
 * or more than 400 days.
 */
export function parseDuration(text: string): number | null {
  const [, number, letter] = /^([1-9]\d{0,9})([smhd])$/.exec(text) ?? [];
  if (number === undefined || letter === undefined) return null;
  const milliseconds = Number(number) * unit[letter as keyof typeof unit];
  return milliseconds <= longest ? milliseconds : null;
}

/** The milliseconds of an option's value; throws a TypeError that names the option if it is no duration. */
export function checkedDuration(option: string, text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds !== null) return milliseconds;
  throw new TypeError(`"${option}" must be a duration like 30m, not "${text}"`);
}

/** How long one call may take: a duration, or milliseconds where a second is too long. At most a minute. */
export type Deadline = Duration | `${number}ms`;

const longestDeadline = 60_000;

/** The milliseconds of a deadline; throws a TypeError that names the option if it is none, or longer than a minute. */
export function checkedDeadline(option: string, text: string): number {
  const [, number] = /^([1-9]\d{0,4})ms$/.exec(text) ?? [];
  const milliseconds = number === undefined ? parseDuration(text) : Number(number);
  if (milliseconds !== null && milliseconds <= longestDeadline) return milliseconds;
  throw new TypeError(`"${option}" must be a duration like 1s or 250ms, at most 1m, not "${text}"`);
}

/** A number of milliseconds as a duration, in the largest unit that fits; a single day is `24h`, as people say it. */
export function formatDuration(milliseconds: number): string {
  const fits = (letter: keyof typeof unit) => milliseconds > 0 && milliseconds % unit[letter] === 0;
  const letter = (["d", "h", "m", "s"] as const).find((each) => fits(each) && milliseconds !== unit.d) ?? "h";
  return fits(letter) ? `${milliseconds / unit[letter]}${letter}` : `${milliseconds}ms`;
}
