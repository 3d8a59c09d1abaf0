/** A request that was on its way when its sign-in was ended. */
import type { Attack } from "../attack.ts";
import { ada, home, showsVictimsCart, signedIn, thiefOf, victim } from "../people.ts";
import { haunt, minute } from "../schedule.ts";
import { withRemoteProvider } from "../second-target.ts";
import { theftFrom } from "../theft.ts";

export const attack: Attack = {
  title: "Sign-out undone by a slow request",
  story:
    "The attacker has both cookies. Their request needs a renewal, and the provider's answer to it, a good one, is held up on the way. In that moment the victim, on another device, signs out everywhere. Then the answer arrives, and the request goes on with what it says: a page, a session or a cookie from it would be a sign-in that outlived its end.",
  source: "ASVS 7.4.1; CWE-613, CWE-362",
  promised: { kind: "nothing" },
  asDescribed: "falls",
  control: ["no-second-look"],
  run: (target) =>
    withRemoteProvider(target, async ({ applications, line, pass }) => {
      const owner = await victim(applications);
      const thief = thiefOf(owner, ["session", "refresh-token"]);
      await pass(31 * minute);
      const otherDevice = await signedIn(applications, ada);
      const theft = await theftFrom(target);

      const { reached, release } = line.hold();
      const slow = thief.get(home);
      await reached;
      const page = await otherDevice.get("/account");
      const ended = await otherDevice.submit(page, "/account/devices/end-all");
      if (ended.status !== 303) throw new Error(`Signing out everywhere was answered ${ended.status}`);
      release();
      await theft.attempt(async () => showsVictimsCart(await slow) || (await slow).setCookies.some(isSet));
      await haunt(applications, theft, { thief, until: 5 * minute });
      return theft.measured();
    }),
};

/** Whether a Set-Cookie header gives something of a sign-in, and does not take it away. */
function isSet(header: string): boolean {
  return /^(__Host-)?(session|refresh-token)=[^;]/.test(header);
}
