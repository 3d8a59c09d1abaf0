// Loaded into a node before its own code. It marks each answer with the node's release, and makes of release "next" what comes after
// today's code: one whose schema on Postgres is a step further. So today's code is the older release, which goes on serving on a
// database that the newer one has migrated, and which is started again on it when the newer one is rolled back.
import { subscribe } from "node:diagnostics_channel";
import type { ServerResponse } from "node:http";
import { registerHooks } from "node:module";

const release = process.env["RELEASE"] ?? "today";

subscribe("http.server.response.created", (message) => {
  const { response } = message as { response: ServerResponse };
  response.setHeader("x-release", release);
});

const steps = /\/packages\/idp\/src\/store\/postgres\/migrations\.ts$/;
const furtherStep = `{ sql: "ALTER TABLE users ADD COLUMN of_the_next_release text; CREATE TABLE next_release (n bigint)" },`;

if (release === "next") {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!steps.test(url)) return loaded;
      const source = textOf(loaded.source);
      const start = source.indexOf("export const STEPS");
      const end = source.indexOf("\n];", start);
      if (start === -1 || end === -1) throw new Error("The list of steps is written in another way now");
      return { ...loaded, source: `${source.slice(0, end)}\n${furtherStep}${source.slice(end)}` };
    },
  });
}

function textOf(source: unknown): string {
  if (typeof source === "string") return source;
  if (source instanceof Uint8Array) return new TextDecoder().decode(source);
  throw new Error("The list of steps has no source");
}
