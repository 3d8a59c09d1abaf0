/** Deployments: the whole target restarts, between two requests and in the middle of renewals. */
import type { Client } from "../client.ts";
import type { HonestRun } from "../honest.ts";
import { home, showsVictimsCart, victim } from "../people.ts";
import { minute } from "../schedule.ts";

const rounds = 5;
const browsers = 10;

export const honest: HonestRun = {
  title: "Restart of everything",
  story:
    "Ten browsers are signed in. Applications and provider are stopped and started again, five times, each time when a renewal is due; then all browsers come back at once, two requests each, and some of the answers before the stop were lost.",
  async run(target) {
    const owners: Client[] = [];
    while (owners.length < browsers) owners.push(await victim(target));
    let unwantedSignOuts = 0;
    for (let round = 0; round < rounds; round++) {
      await target.pass(11 * minute);
      await Promise.all(owners.slice(0, 3).map((owner) => owner.get(home, { dropAnswer: true })));
      await target.restart();
      const answers = await Promise.all(owners.flatMap((owner) => [owner.get(home), owner.get(home)]));
      unwantedSignOuts += answers.filter((answer) => !showsVictimsCart(answer)).length;
    }
    return { requests: rounds * (browsers * 2 + 3), renewals: rounds * browsers, unwantedSignOuts };
  },
};
