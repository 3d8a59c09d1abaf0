/** A bad connection: every other answer is lost, the ones that renew above all. */
import { setTimeout } from "node:timers/promises";
import type { HonestRun } from "../honest.ts";
import { home, showsVictimsCart, victim } from "../people.ts";
import { minute, second } from "../schedule.ts";

const rounds = 12;

export const honest: HonestRun = {
  title: "Lost answers",
  story:
    "At every renewal the browser goes away before it has read the answer, once or several times in a row, and comes back seconds or minutes later with the pair it still has.",
  async run(target) {
    const owner = await victim(target);
    let unwantedSignOuts = 0;
    let requests = 0;
    for (let round = 0; round < rounds; round++) {
      await target.pass(11 * minute);
      for (let lost = 0; lost <= round % 3; lost++) {
        await owner.get(home, { dropAnswer: true });
        // The server may still be writing what nobody reads.
        await setTimeout(20);
        await target.pass([2 * second, 45 * second, 5 * minute][(round + lost) % 3] ?? 0);
        requests += 1;
      }
      for (let time = 0; time < 2; time++) {
        if (!showsVictimsCart(await owner.get(home))) unwantedSignOuts += 1;
        requests += 1;
        await target.pass(10 * second);
      }
    }
    return { requests, renewals: rounds, unwantedSignOuts };
  },
};
