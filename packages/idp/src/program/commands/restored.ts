// `latchkey-idp restored`: what is to become of the sign-ins after a restore. docs/backup.md explains the choice.

import { restored as carriedOut, restoreNotes, type RestoreChoice } from "../../restored.ts";
import type { Command } from "../command.ts";
import { instantOf } from "../duration.ts";
import { CommandError } from "../errors.ts";
import { operating } from "../operating.ts";

/** Decides between reviving and a new epoch. */
export const restored: Command = {
  name: "restored",
  does: "Says what is to become of the sign-ins after the database was restored from a backup, or failed over behind its latest commits",
  when: `After every restore, also while servers run. Nobody is taken for a thief either way: a token that is newer than the database is
believed. But the database has forgotten what was revoked since the backup, and somebody must decide:
--revive: everybody stays signed in. Whoever was signed out, deactivated or stopped as a thief since the backup is not any more, except
  where an application remembers it. Do again by hand what you know of: user deactivate, user sign-out.
--new-epoch: every refresh token ends, with the reason "restored"; applications that take webhooks end the sessions, too. Everybody
  signs in again. For when you don't know what was revoked, or know that an attacker was.
Either way, whoever signed in after the backup was made signs in again: his sign-in is not in the database.
Passwords, addresses and deactivations since the backup are lost either way: tell the users to whom that matters.`,
  options: {
    revive: { help: "keep all sign-ins" },
    "new-epoch": { help: "end all sign-ins" },
    again: { help: "the database was restored once more since this was run" },
  },
  example: "latchkey-idp restored --new-epoch",
  prints: "what was done, and when. The same choice again does nothing, or completes what was broken off.",
  run: (invocation) =>
    operating(invocation, async ({ provider }) => {
      const { out, err } = invocation.terminal;
      const choice = choiceOf(invocation.has("revive"), invocation.has("new-epoch"));
      const { restoration, ended, wasDone } = await carriedOut(provider, choice, {
        again: invocation.has("again"),
      });
      const at = instantOf(restoration.at);
      if (wasDone)
        out(`nothing to do: ${choice} was decided at ${at}; --again if it was restored once more since\n`);
      else if (choice === "revive") out(`revived at ${at}: all sign-ins of the backup are good\n`);
      else out(`new epoch at ${at}: ${ended} sign-ins ended, everybody signs in again\n`);
      const { aheadAt } = await restoreNotes(provider);
      if (aheadAt !== null)
        err(`refresh tokens were newer than the database, last at ${instantOf(aheadAt)}\n`);
      if (!wasDone) err("what was changed since the backup is lost: passwords, addresses, deactivations\n");
      return 0;
    }),
};

function choiceOf(revive: boolean, newEpoch: boolean): RestoreChoice {
  if (revive === newEpoch)
    throw new CommandError("restored: say --revive or --new-epoch, see latchkey-idp restored --help");
  return revive ? "revive" : "new-epoch";
}
