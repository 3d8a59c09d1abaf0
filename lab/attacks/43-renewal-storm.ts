/** Everybody back at once after a restart. */
import type { Attack } from "../attack.ts";
import type { Answer, Client } from "../client.ts";
import { ada, home, signedIn } from "../people.ts";
import { minute } from "../schedule.ts";
import { withRemoteProvider } from "../second-target.ts";
import { theftFrom } from "../theft.ts";

const browsers = 15;
const tabs = 4;
/** A request that arrives between a renewal's end and the first use of the new pair asks once more; most ride along. */
const mostExchanges = 2 * browsers;

export const attack: Attack = {
  title: "Renewal storm after a restart",
  story:
    "Somebody has found a way to make the applications restart, and does it when the sessions of fifteen browsers have run out: all come back at once, with four requests each. Then once more, while the provider answers nothing but 503. Where that signs anybody out, or asks the provider for every request instead of about once for each browser, a crash is a weapon against everybody who is signed in.",
  source: "ASVS 16.5.2; CWE-400, CWE-405",
  promised: { kind: "nothing" },
  asDescribed: "falls",
  control: ["outage-signs-out", "flights-not-shared"],
  run: (target) =>
    withRemoteProvider(target, async ({ applications, line, pass }) => {
      const owners: Client[] = [];
      while (owners.length < browsers) owners.push(await signedIn(applications, ada));
      const theft = await theftFrom(target);
      const storm = async (isProviderAbsent: boolean) => {
        await pass(31 * minute);
        await applications.restart();
        line.cut(isProviderAbsent);
        return comeBack(owners);
      };

      await theft.attempt(async () => {
        const before = line.exchanges();
        const answers = await storm(false);
        return answers.some(isSignedOut) || line.exchanges() - before > mostExchanges;
      });
      await theft.attempt(async () => (await storm(true)).some(isSignedOut));
      line.cut(false);
      await theft.attempt(async () => (await comeBack(owners)).some(isSignedOut));
      return theft.measured(async () => (await comeBack(owners)).every(({ status }) => status === 200));
    }),
};

/** Each browser's tabs at once, all with the cookies it has now; the browser keeps what the answers say. */
async function comeBack(owners: readonly Client[]): Promise<Answer[]> {
  const requests = owners.flatMap((owner) => Array.from({ length: tabs }, () => owner.get(home)));
  return Promise.all(requests);
}

/** Whether an answer asks to sign in, or takes a cookie away. */
function isSignedOut({ location, setCookies }: Answer): boolean {
  return (location ?? "").startsWith("/login") || setCookies.some((header) => /max-age=0\b/i.test(header));
}
