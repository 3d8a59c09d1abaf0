/** The forum's files. They are served before anybody asks who is there: no session is looked up for a style sheet. */
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { type Response, Router, static as files } from "express";
import { page } from "./pages.ts";

const pico = createRequire(import.meta.url).resolve("@picocss/pico/css/pico.amber.min.css");

const options = {
  index: false,
  redirect: false,
  setHeaders: (response: Response) => {
    response.set("cache-control", "public, max-age=300");
  },
};

/** Everything under /assets. */
export function assets(): Router {
  const router = Router();
  router.use(files(join(import.meta.dirname, "../public"), options));
  router.get("/pico.css", (_request, response) => {
    options.setHeaders(response);
    response.sendFile(basename(pico), { root: dirname(pico) });
  });
  router.use((_request, response) => {
    response.status(404).type("html").send(page(404, "There is no such file."));
  });
  return router;
}
