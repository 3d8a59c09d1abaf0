// Which version of a package a peer runs, as its own manifest says.
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** The versions of these packages and of Node, by name; throws if one is not installed. */
export function versionsOf(...names: readonly string[]): Record<string, string> {
  return { node: process.versions.node, ...Object.fromEntries(names.map((name) => [name, versionOf(name)])) };
}

function versionOf(name: string): string {
  const manifest = findPackageJSON(name, import.meta.url);
  if (manifest === undefined) throw new Error(`${name} is not installed`);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
