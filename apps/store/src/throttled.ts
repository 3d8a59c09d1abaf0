/** What to say to somebody who has to wait before trying a password again. */

/** The sentence for a wait of that many seconds. */
export function tooManyAttempts(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return `Too many attempts. Try again in ${seconds < 90 ? count(seconds, "second") : count(minutes, "minute")}.`;
}

function count(number: number, unit: string): string {
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}
