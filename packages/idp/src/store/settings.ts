// Settings of tenants and applications come with every refresh and hardly ever change. What they say is read from their text, and of a
// text that was read before there is an answer already: never an older one, since it is found by the whole text.

import type { ApplicationSettings, TenantSettings } from "./records.ts";

// A text may have 64 KiB; with more than these at once, parsing is what it costs.
const MOST_REMEMBERED = 1_000;

/** What the text of a tenant's settings says; frozen, since others are given the same. Throws a SyntaxError for what is no JSON. */
export const tenantSettings: (text: string) => TenantSettings = remembering((text) => JSON.parse(text));

/** The same of an application. */
export const applicationSettings: (text: string) => ApplicationSettings = remembering((text) =>
  JSON.parse(text),
);

function remembering<T>(parse: (text: string) => T): (text: string) => T {
  const remembered = new Map<string, T>();
  return (text) => {
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const settings = frozen(parse(text));
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(text, settings);
    return settings;
  };
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(frozen);
    Object.freeze(value);
  }
  return value;
}
