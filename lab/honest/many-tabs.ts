/** Many tabs at once, at every renewal, and a form that was opened before it. */
import type { HonestRun } from "../honest.ts";
import { home, showsVictimsCart, victim } from "../people.ts";
import { minute } from "../schedule.ts";

const tabs = 20;
const rounds = 15;

export const honest: HonestRun = {
  title: "Many tabs",
  story:
    "Twenty tabs ask at once, each time a renewal is due; each answer may overwrite the other's cookies.",
  async run(target) {
    const owner = await victim(target);
    let unwantedSignOuts = 0;
    for (let round = 0; round < rounds; round++) {
      const form = await owner.get("/");
      await target.pass(11 * minute);
      const answers = await Promise.all(Array.from({ length: tabs }, () => owner.get(home)));
      const posted = await owner.submit(form, "/shopping-cart/items", { product: "ledger-a5" });
      unwantedSignOuts += answers.filter((answer) => !showsVictimsCart(answer)).length;
      if (posted.status !== 303) unwantedSignOuts += 1;
    }
    return { requests: rounds * (tabs + 2), renewals: rounds, unwantedSignOuts };
  },
};
