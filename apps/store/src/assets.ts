/**
 * The shop's files: style sheets and pictures, read once at start. No session is looked up for them, and nothing but the
 * names read at start can be asked for, so there is no path to climb out of (CWE-22).
 */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import type { FastifyInstance } from "fastify";
import { page } from "./pages.ts";

const types: Record<string, string> = { ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };

/** Serves /assets/<name>. */
export function serveAssets(app: FastifyInstance): void {
  const files = new Map<string, Buffer>();
  const folder = join(import.meta.dirname, "../public");
  for (const name of readdirSync(folder)) files.set(name, readFileSync(join(folder, name)));
  const pico = createRequire(import.meta.url).resolve("@picocss/pico/css/pico.jade.min.css");
  files.set("pico.css", readFileSync(pico));

  app.get<{ Params: { name: string } }>("/assets/:name", (request, reply) => {
    const { name } = request.params;
    const file = files.get(name);
    const type = types[extname(name)];
    if (file === undefined || type === undefined)
      return reply.code(404).type("text/html; charset=utf-8").send(page(404, "There is no such file."));
    return reply.header("cache-control", "public, max-age=300").type(type).send(file);
  });
}
