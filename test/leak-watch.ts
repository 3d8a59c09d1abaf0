// vitest's set-up file: after every test file, no secret of the run may stand in anything that was printed
// or published as an event (CWE-532, ASVS 16.2.5), and every Set-Cookie seen must have kept the rule.
// Secrets are what a test names with `secret()`, and what goes over HTTP under a secret's name. What a child
// process prints is not seen by itself: the test that starts one hands it to `printed()`.
import { afterAll } from "vitest";
import { watchHttp, watchedFetch } from "./exchanges.ts";
import { watchEvents, watchOutput } from "./output.ts";
import { Secrets, type Written } from "./secrets.ts";

const secrets = new Secrets();
const written: Written[] = [];
const violations = new Set<string>();
const exchanges = { secrets, violations, reading: new Set<Promise<void>>() };

/**
 * Registers a secret of at least 8 characters and returns it; the test file fails if it is written anywhere.
 * @example const password = secret("a long enough password");
 */
export function secret(value: string): string {
  secrets.add(value, "secret()");
  return value;
}

/** Adds what a child process printed to what is searched, and returns it. */
export function printed(text: string): string {
  written.push({ source: "a child process", text });
  return text;
}

/** `fetch` as it was: for a test that sends on purpose what the watch would refuse. */
export const unwatchedFetch: typeof fetch = globalThis.fetch;

/**
 * Watches a function like `fetch` (an embedded provider's, an application's): registers the secrets of each
 * request and response, and rejects with AssertionError where a Set-Cookie breaks the rule.
 * @example const fetch = watch(idp.fetch);
 */
export function watch<Args extends unknown[]>(
  fetchLike: (...args: Args) => Response | Promise<Response>,
): (...args: Args) => Promise<Response> {
  return watchedFetch(fetchLike, exchanges);
}

watchOutput((source, text) => written.push({ source, text }));
watchEvents(["latchkey:idp", "latchkey:session"], (source, text) => written.push({ source, text }));
watchHttp(exchanges);
globalThis.fetch = watch(unwatchedFetch);

afterAll(async () => {
  await bodiesRead();
  const leaks = secrets.leaks(written).map((leak) => {
    return `${leak.secret} from ${leak.origin} occurs ${leak.form} in ${leak.source}`;
  });
  const found = [...leaks.map((leak) => `secret leaked: ${leak}`), ...violations];
  if (found.length > 0) throw new Error(found.join("\n"));
});

/** Waits for bodies still being read along; a test may leave one open for ever, so at most a second. */
async function bodiesRead(): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 1000);
  });
  await Promise.race([Promise.all(exchanges.reading), deadline]);
  clearTimeout(timer);
}
