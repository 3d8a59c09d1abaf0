/** What several requests ask for at once is done once, in this process. */

/** Does what `start` does, or joins whoever is doing it under that key already. */
export type Share<Result> = (key: string, start: () => Promise<Result>) => Promise<Result>;

/** Nothing is under way yet. A failure is shared too, and forgotten with the flight. */
export function flights<Result>(): Share<Result> {
  const underWay = new Map<string, Promise<Result>>();
  return (key, start) => {
    const flight = underWay.get(key) ?? start().finally(() => underWay.delete(key));
    underWay.set(key, flight);
    return flight;
  };
}
