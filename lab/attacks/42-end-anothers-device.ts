/** Another user's sign-in, ended from the page of one's own devices. */
import type { Attack } from "../attack.ts";
import type { Client } from "../client.ts";
import { formFor } from "../html-form.ts";
import { grace, home, showsVictimsCart, signedIn, victim } from "../people.ts";
import { families, theftFrom } from "../theft.ts";

const path = "/account/devices/end";

export const attack: Attack = {
  title: "Ending another user's device",
  story:
    "The attacker is a customer like the victim, and knows the id of the victim's sign-in: it stands in access tokens and webhooks. They put it into the form that ends one of their own devices, plain, among others, and in other spellings. Where it works, one customer signs another out; where the page shows it, one sees where another is.",
  source: "WSTG-ATHZ-04; ASVS 7.5.2, 8.2.2; CWE-639",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["device-of-any-user"],
  async run(target) {
    const owner = await victim(target);
    const [signInId = ""] = await families(target);
    const attacker = await signedIn(target, grace);
    const another = await signedIn(target, grace);
    const theft = await theftFrom(target);
    const ways: ((fields: URLSearchParams) => void)[] = [
      (fields) => fields.set("device", signInId),
      (fields) => fields.append("device", signInId),
      (fields) => fields.set("device", signInId.toUpperCase()),
      (fields) => fields.set("device", ` ${signInId}`),
      (fields) => fields.set("device", `${signInId}\0`),
      (fields) => fields.set("device[]", signInId),
      (fields) => fields.set("signInId", signInId),
    ];
    for (const way of ways) {
      await theft.attempt(async () => {
        await endDevice(attacker, way);
        return !showsVictimsCart(await owner.get(home));
      });
    }
    await theft.attempt(async () => (await another.get("/account")).text.includes(signInId));
    return theft.measured(owner);
  },
};

async function endDevice(client: Client, change: (fields: URLSearchParams) => void): Promise<void> {
  const page = await client.get("/account");
  // Any form of the page has the token; the one for a device is there only while there is another device.
  const fields = formFor(page.text, "/logout").fields;
  change(fields);
  await client.send("POST", path, { body: fields });
}
