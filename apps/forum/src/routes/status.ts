/**
 * Whether this node works, for those who watch over it and for whoever spreads requests over several. Nobody's cookies are looked at,
 * and nothing is said that a stranger could use (ASVS 13.4.6).
 */
import type { Sessions } from "@latchkey/session";
import type { Express } from "express";

/** Adds `GET /api/health`, and `GET /api/status`, which says 503 while this node should be sent nothing. */
export function status(app: Express, sessions: Sessions, isReady: () => boolean): void {
  app.get("/api/health", (_request, response) => void response.json({ status: "ok" }));

  // A store or provider that is down is said, and is no reason for 503: it is down for every node, and were all of them taken out,
  // nobody would be served the public pages that need neither.
  app.get("/api/status", async (_request, response) => {
    if (!isReady()) return void response.status(503).json({ ready: false });
    response.json({ ready: true, ...(await sessions.status()) });
  });
}
