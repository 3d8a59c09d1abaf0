/** Who has an account, told by what an answer says. */
import type { Attack } from "../attack.ts";
import { type Answer, Client } from "../client.ts";
import { formFor } from "../html-form.ts";
import { ada, elsewhere, victim } from "../people.ts";
import { keylessApplication } from "../provider.ts";
import { hour, second } from "../schedule.ts";
import type { Target } from "../target.ts";
import { theftFrom } from "../theft.ts";

/** Nobody; as long as ada's, so that no length differs for that alone. */
const nobody = "eve@example.com";

/** Seconds the attacker lets pass before each try: some are throttled, some not. */
const tries = [0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0];

export const attack: Attack = {
  title: "Enumeration by what answers say",
  story:
    "The attacker wants to know whether somebody has an account. They try a wrong password with that address and with one that is nobody's, a dozen times each, until both are throttled and beyond, at both login forms and at the provider; and compare status, headers, cookies, page and how long they are told to wait. One difference is enough.",
  source: "WSTG-IDNT-04; ASVS 6.3.8; CWE-204",
  promised: { kind: "nothing" },
  asDescribed: "holds",
  control: ["unknown-user-told-apart"],
  async run(target) {
    const owner = await victim(target, { remember: true });
    const { id } = await keylessApplication(target);
    const theft = await theftFrom(target);
    const { store, forum } = target.origins;
    for (const trial of [atForm(store), atForm(forum), atProvider(target, id)]) {
      for (const seconds of tries) {
        await target.pass(seconds * second);
        const [one, other] = [await trial(ada.email), await trial(nobody)];
        await theft.attempt(async () => shape(one, ada.email) !== shape(other, nobody));
      }
      await target.pass(6 * hour);
    }
    return theft.measured(owner);
  },
};

type Trial = (email: string) => Promise<Answer>;

const password = "not the password";

function atForm(origin: string): Trial {
  return async (email) => {
    const client = new Client(origin, elsewhere);
    const { fields } = formFor((await client.get("/login")).text, "/login");
    fields.set("email", email);
    fields.set("password", password);
    return client.send("POST", "/login", { body: fields });
  };
}

function atProvider({ origins }: Target, applicationId: string): Trial {
  return (loginId) =>
    new Client(origins.idp, elsewhere).send("POST", "/api/login", {
      body: JSON.stringify({ loginId, password, applicationId }),
      headers: { "content-type": "application/json" },
    });
}

/** All that an answer shows, without what differs each time or repeats what was sent. */
function shape({ status, headers, setCookies, text }: Answer, email: string): string {
  const { date: _, "set-cookie": __, etag: ___, ...others } = headers;
  const cookies = setCookies.map((header) => header.replace(/=[^;]*/, ""));
  const page = text.replaceAll(email, "").replaceAll(/(name="form-token" value=")[^"]*/g, "$1");
  return JSON.stringify([status, Object.entries(others).map(String).sort(), cookies, page]);
}
