/** A telephone on a train: another address at every other request, and an update of the browser on the way. */
import type { HonestRun } from "../honest.ts";
import { home, showsVictimsCart, victim } from "../people.ts";
import { minute } from "../schedule.ts";

const requests = 120;

export const honest: HonestRun = {
  title: "Network change",
  story:
    "The address changes with every request, from one network to the next and back, and the browser's name and version change halfway; the cookies stay.",
  async run(target) {
    const owner = await victim(target, { remember: true });
    let unwantedSignOuts = 0;
    for (let request = 0; request < requests; request++) {
      const version = request < requests / 2 ? 152 : 153;
      owner.options = {
        address: `127.0.${request % 7}.${(request % 200) + 2}`,
        userAgent: `Mozilla/5.0 (Android 17; Mobile; rv:${version}.0) Gecko/${version}.0 Firefox/${version}.0`,
      };
      if (!showsVictimsCart(await owner.get(home))) unwantedSignOuts += 1;
      await target.pass(4 * minute);
    }
    return { requests, renewals: Math.floor((requests * 4) / 12), unwantedSignOuts };
  },
};
