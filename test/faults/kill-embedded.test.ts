import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killsAtEveryStep } from "./kills.ts";

killsAtEveryStep("embedded", async () => {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-faults-"));
  return {
    database: join(folder, "idp.sqlite"),
    store: join(folder, "sessions.sqlite"),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
});
