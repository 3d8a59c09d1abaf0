// The limit of signing in: passwords checked as the provider checks them, and nothing else. Listens to nobody; it is told how long.
// HASHES_AT_ONCE: by default as many as there are cores, as at the provider.
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { hash, verify } from "@node-rs/argon2";
import { present } from "../candidate.ts";

const password = "correct horse battery staple";
// OWASP's minimum, which is what the provider uses.
const stored = await hash(password, {
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
  salt: randomBytes(16),
});

const atOnce = Number(process.env["HASHES_AT_ONCE"] ?? availableParallelism());

/** Checks for so many seconds, as many at once as the provider would; there is always another that waits. */
async function check(seconds: number): Promise<{ checked: number; seconds: number }> {
  const begun = performance.now();
  const end = begun + seconds * 1_000;
  let checked = 0;
  const lane = async () => {
    while (performance.now() < end) {
      if (!(await verify(stored, password))) throw new Error("The right password is wrong");
      checked++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { checked, seconds: (performance.now() - begun) / 1_000 };
}

if (await verify(stored, "another password")) throw new Error("A wrong password is right");

present({
  port: 0,
  answers: { check: (seconds) => check(Number(seconds)), atOnce: () => atOnce },
});
