/** Links to the login form that lead elsewhere afterwards. */
import type { Attack } from "../attack.ts";
import { Client } from "../client.ts";
import { ada, victim } from "../people.ts";
import { theftFrom } from "../theft.ts";

const elsewhere = [
  "https://evil.example/",
  "//evil.example/",
  "///evil.example/",
  "/\\evil.example/",
  "\\\\evil.example/",
  "/\t/evil.example/",
  "/\n/evil.example/",
  "/.//evil.example/",
  "/..//evil.example/",
  "/%09/evil.example",
  "https:evil.example",
  "https:/evil.example",
  "javascript:alert(1)",
  "data:text/html,x",
  " //evil.example",
  "@evil.example",
  ".evil.example",
  "/x/../..//evil.example",
  "//store.localhost@evil.example/",
];

export const attack: Attack = {
  title: "returnTo tricks",
  story:
    "The attacker sends the victim a link to the real login form, with a returnTo that a browser reads as another host or as a script. The victim signs in, with the right address in the address bar. If the answer leads away, the page it leads to asks for the password once more, or runs in the shop's name.",
  source: "ASVS 3.7.2; CWE-601; WSTG-CLNT-04",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["return-to-unchecked"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    for (const path of elsewhere) {
      await theft.attempt(() => leadsAway(target.origins.store, path));
      await target.pass(60_000);
    }
    return theft.measured(owner);
  },
};

async function leadsAway(origin: string, returnTo: string): Promise<boolean> {
  const browser = new Client(origin);
  const page = await browser.get(`/login?returnTo=${encodeURIComponent(returnTo)}`);
  const { email, password } = ada;
  const byLink = await browser.submit(page, "/login", { email, password });
  const other = new Client(origin);
  const byField = await other.submit(await other.get("/login"), "/login", { email, password, returnTo });
  if (byLink.status < 500 && byLink.status !== 302) throw new Error(`Signing in: ${byLink.status}`);
  // What a browser makes of the address is the WHATWG URL standard's matter, which Node has too.
  return [byLink, byField].some(({ location }) => new URL(location ?? "", origin).origin !== origin);
}
