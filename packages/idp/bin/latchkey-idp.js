#!/usr/bin/env node
// Starts src/main.ts in a clone, dist/main.js where the package is installed: the source is not published,
// and in a clone a build may be older than the source.
import { existsSync } from "node:fs";

const source = new URL("../src/main.ts", import.meta.url);
await import(existsSync(source) ? source.href : new URL("../dist/main.js", import.meta.url).href);
