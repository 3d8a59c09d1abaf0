// JSON merge patch (RFC 7396): what a member says replaces what was there, null removes it, objects are merged.
// Pure; neither argument is changed. Members named __proto__ never get here (request.ts), and none would be followed.

import { isObject } from "./request.ts";

/** `target` with `patch` applied. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}
