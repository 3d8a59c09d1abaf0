// What the provider's work costs over databases of different sizes: a refresh with rotation, and finding the user who signs in.
import { serverCpu } from "../../../test/scaling-costs.ts";
import { type Rounds, rounds } from "../../rounds.ts";
import { type Running, start } from "../../running.ts";
import { cache } from "./cached.ts";
import type { Place, What } from "./ground.ts";
import type { Cost } from "./sessions.ts";

/** The costs of one candidate in one round. */
export interface ProviderCosts {
  readonly refresh: Cost;
  /** A user by e-mail address, over the API. */
  readonly retrieve: Cost;
  /** The same at the store alone: what signing in does before it hashes. */
  readonly lookUp: Cost;
}

interface Candidate extends Running {
  readonly place: Place;
}

/** Measures one store in all its sizes, round by round; rounds are by size, as text. */
export async function providerCosts(
  what: What,
  places: readonly Place[],
  effort: { readonly rounds: number; readonly operations: number },
): Promise<Rounds<ProviderCosts>> {
  const candidates: Candidate[] = [];
  try {
    for (const place of places) {
      const environment = { WHERE: place.where, SIZE: String(place.size) };
      const running = await start({
        name: String(place.size),
        file: "servers/growth-provider.ts",
        environment,
      });
      candidates.push({ ...running, place });
    }
    for (const candidate of candidates) {
      if ((await candidate.ask("refusesReplay")) !== true)
        throw new Error(`${what} of ${candidate.name} families takes a token that was used before`);
      // What is compiled first is not measured.
      await costs(candidate, effort.operations / 2);
    }
    return await rounds(candidates, effort.rounds, (candidate) => costs(candidate, effort.operations));
  } finally {
    await Promise.all(candidates.map((candidate) => candidate.stop()));
  }
}

async function costs(candidate: Candidate, operations: number): Promise<ProviderCosts> {
  cache(candidate.place);
  const measure = async (name: keyof ProviderCosts, count: number): Promise<Cost> => {
    const { server } = candidate.place;
    const before = serverCpu(server);
    const { cpu } = (await candidate.ask("measure", { name, count })) as { cpu: number };
    return { own: cpu / count, server: (serverCpu(server) - before) / count };
  };
  return {
    refresh: await measure("refresh", operations),
    retrieve: await measure("retrieve", operations),
    lookUp: await measure("lookUp", operations),
  };
}
