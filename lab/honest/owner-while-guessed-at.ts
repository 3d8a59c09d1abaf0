/** An account somebody guesses at: its owner, on a device that is known, must notice nothing. */
import { anotherAddress, guessAtLoginForm } from "../guessing.ts";
import type { HonestRun } from "../honest.ts";
import { ada, grace, home, showsCartOf, shopper, signIn, signOut, victim } from "../people.ts";
import { minute } from "../schedule.ts";

const rounds = 6;
const guesses = 30;

export const honest: HonestRun = {
  title: "Owner of an account that is guessed at",
  story:
    "Somebody sends thirty guesses at once at ada's account, from thirty addresses and from her own, six times in an hour. Meanwhile she signs out and in again on a device she has used before, and so does grace, who sits behind the same address. Each sign-in must succeed at once.",
  async run(target) {
    const people = [
      { person: ada, client: await victim(target) },
      { person: grace, client: await shopper(target, grace) },
    ];
    let unwantedSignOuts = 0;
    for (let round = 0; round < rounds; round++) {
      const attack = Array.from({ length: guesses }, (_, index) =>
        guessAtLoginForm(
          target.origins.store,
          { email: ada.email, password: `summer holidays ${round} ${index}` },
          index % 2 === 0 ? { address: anotherAddress(index) } : {},
        ),
      );
      for (const { person, client } of people) {
        await signOut(client);
        await signIn(client, person.email, person.password);
        if (!showsCartOf(person, await client.get(home))) unwantedSignOuts += 1;
      }
      await Promise.all(attack);
      await target.pass(10 * minute);
    }
    return { requests: rounds * people.length * 5, renewals: 0, unwantedSignOuts };
  },
};
