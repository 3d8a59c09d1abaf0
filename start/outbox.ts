/**
 * The mail of `npm start`, on a page instead of on its way: the last hundred messages, in memory, for whoever sits at this
 * machine. It must not leave loopback, and a message is shown as the plain text it is.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { outboxPage, outboxStyle } from "./outbox-page.ts";

/** What the provider sends. */
export interface Mail {
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
}

/** A message in the outbox; `at` is when it was sent, in ISO 8601. */
export type SentMail = Omit<Mail, "from"> & { readonly at: string };

/** An outbox: takes messages, answers requests. */
export interface Outbox {
  send(message: Mail): Promise<void>;
  /** Answers `GET /` and `GET /messages.json`, newest first. */
  answer(request: IncomingMessage, response: ServerResponse): void;
}

const mostKept = 100;

/** The outbox served on `port`; `now` is the clock, epoch milliseconds. */
export function createOutbox(port: number, now: () => number): Outbox {
  const sent: SentMail[] = [];
  return {
    async send({ to, subject, text }) {
      sent.unshift({ at: new Date(now()).toISOString(), to, subject, text });
      sent.splice(mostKept);
    },
    answer(request, response) {
      response.setHeaders(new Map(Object.entries(headers)));
      // A site whose name was pointed at 127.0.0.1 would read this machine's mail (DNS rebinding).
      if (!ownHosts(port).includes(request.headers.host ?? "")) return end(response, 421, "text/plain", "");
      if (request.method !== "GET" && request.method !== "HEAD") return end(response, 405, "text/plain", "");
      if (request.url === "/") return end(response, 200, "text/html", outboxPage(sent));
      if (request.url === "/outbox.css") return end(response, 200, "text/css", outboxStyle);
      if (request.url === "/messages.json")
        return end(response, 200, "application/json", JSON.stringify(sent));
      return end(response, 404, "text/plain", "There is no such page in the outbox.");
    },
  };
}

const headers = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

function ownHosts(port: number): string[] {
  return ["outbox.localhost", "localhost", "127.0.0.1"].map((name) => `${name}:${port}`);
}

function end(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": `${type}; charset=utf-8` }).end(body);
}
