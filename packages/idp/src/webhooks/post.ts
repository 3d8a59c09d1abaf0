// One POST to a receiver, of whose answer only the status counts. By node:http, not by the global fetch: what fetch keeps in a
// FinalizationRegistry or a WeakRef no young collection of garbage frees, so that of some thousand deliveries all were copied again and again, and
// everybody waited for 40 ms at a time (bench, scenario 8).

import { request as overHttp, type IncomingMessage } from "node:http";
import { request as overHttps } from "node:https";

/** What is sent. */
export interface Post {
  readonly headers: Headers;
  readonly body: string;
  /** Breaks it off. */
  readonly signal: AbortSignal;
}

/** Sends it and answers the status; never follows a redirect. Rejects where no answer came, with the signal's reason where it was broken off. */
export type SendPost = (url: URL, post: Post) => Promise<number>;

/** Over the network. */
export const postOverNetwork: SendPost = (url, { headers, body, signal }) =>
  new Promise((resolve, reject) => {
    const request = url.protocol === "https:" ? overHttps : overHttp;
    const sent = request(url, { method: "POST", headers: Object.fromEntries(headers), signal });
    const fail = (error: unknown): void => reject(signal.aborted ? signal.reason : error);
    sent.on("error", fail);
    // Also after "101 Switching Protocols", of which Node says nothing else to who did not ask for it.
    sent.once("close", () => fail(new Error("The connection was closed without an answer")));
    sent.once("response", (answer) => {
      answer.on("error", fail);
      leave(answer);
      resolve(answer.statusCode ?? 0);
    });
    // As bytes: a text would be sent together with the head, and the head's Latin-1 as UTF-8.
    sent.end(Buffer.from(body));
  });

// A body that came along with the head leaves the connection for the next delivery; nobody waits for a longer one.
function leave(answer: IncomingMessage): void {
  answer.resume();
  setImmediate(() => {
    if (!answer.complete) answer.destroy();
  });
}

/** By somebody else's `fetch`, which must not follow redirects either. */
export function postBy(fetch: (request: Request) => Promise<Response>): SendPost {
  return async (url, { headers, body, signal }) => {
    const response = await fetch(
      new Request(url, { method: "POST", headers, body, redirect: "manual", signal }),
    );
    await response.body?.cancel();
    return response.status;
  };
}
