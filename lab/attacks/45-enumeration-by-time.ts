/** Who has an account, told by how long the answer takes. */
import type { Attack } from "../attack.ts";
import { ada, elsewhere, victim } from "../people.ts";
import { guessAtLoginForm } from "../guessing.ts";
import { hour } from "../schedule.ts";
import type { Target } from "../target.ts";
import { theftFrom } from "../theft.ts";

const pairs = 30;

export const attack: Attack = {
  title: "Enumeration by time",
  story:
    "The attacker tries a wrong password thirty times with the victim's address and thirty times with one that is nobody's, by turns and never so often that they have to wait, and compares how long the answers take. This is rough, a difference of half the time that shows in nearly every pair; npm run timing is the fine measurement, with 500 of each.",
  source: "WSTG-IDNT-04; ASVS 6.3.8; CWE-208",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["unknown-user-not-hashed"],
  async run(target) {
    const owner = await victim(target, { remember: true });
    const theft = await theftFrom(target);
    const spans: { known: number; unknown: number }[] = [];
    for (let index = 0; index < pairs; index++) {
      // Whoever comes first may find something warm or cold: by turns.
      const first = index % 2 === 0 ? await span(target, ada.email) : await span(target, "eve@example.com");
      const second = index % 2 === 0 ? await span(target, "eve@example.com") : await span(target, ada.email);
      const [known, unknown] = index % 2 === 0 ? [first, second] : [second, first];
      spans.push({ known, unknown });
      await target.pass(hour);
    }
    await theft.attempt(async () => isToldApart(spans));
    return theft.measured(owner);
  },
};

/** Milliseconds that fetching the form and a refused sign-in take. */
async function span({ origins }: Target, email: string): Promise<number> {
  const from = performance.now();
  const guessed = await guessAtLoginForm(origins.store, { email, password: "not the password" }, elsewhere);
  if (guessed !== "wrong") throw new Error(`A guess was answered ${guessed}`);
  return performance.now() - from;
}

function isToldApart(spans: readonly { known: number; unknown: number }[]): boolean {
  const share = spans.filter(({ known, unknown }) => unknown < known).length / spans.length;
  const [known, unknown] = [
    median(spans.map((each) => each.known)),
    median(spans.map((each) => each.unknown)),
  ];
  const isSided = share > 0.85 || share < 0.15;
  return isSided && Math.min(known, unknown) < 0.75 * Math.max(known, unknown);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
