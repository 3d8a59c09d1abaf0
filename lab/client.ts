/**
 * A second client: speaks HTTP over a socket, keeps cookies, fills in forms. It can send what no browser would, and it
 * knows nothing of the software it speaks to.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { formFor } from "./html-form.ts";

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly setCookies: readonly string[];
  readonly location: string | null;
  readonly text: string;
}

/** What to send besides the jar's cookies. A header that is `null` is left out. */
export interface Sent {
  readonly body?: string | URLSearchParams;
  readonly headers?: Readonly<Record<string, string | null>>;
  /** Send the request, and go away before the answer is read: nothing of it is kept. */
  readonly dropAnswer?: boolean;
}

/** Where a client connects from, and what it says it is. */
export interface ClientOptions {
  /** A loopback address, 127.0.0.0/8: what the server sees. */
  readonly address?: string;
  readonly userAgent?: string;
  /** PEM of the certificate to trust, for an https origin. */
  readonly certificate?: string;
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:152.0) Gecko/20100101 Firefox/152.0";

/** One client of one origin, with its own cookies. */
export class Client {
  readonly origin: string;
  readonly cookies = new Map<string, string>();
  /** May be changed on the way: a device that moves to another network. */
  options: ClientOptions;

  constructor(origin: string, options: ClientOptions = {}) {
    this.origin = origin;
    this.options = options;
  }

  get(path: string, sent?: Sent): Promise<Answer> {
    return this.send("GET", path, sent);
  }

  /** Sends a page's form for `action`, filled in; throws where the page has none. */
  submit(page: Answer, action: string, filled: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const { fields } = formFor(page.text, action);
    for (const [name, value] of Object.entries(filled)) fields.set(name, value);
    return this.send("POST", action, { body: fields });
  }

  /** Sends a request and keeps the cookies of the answer. Redirects are not followed. */
  async send(method: string, path: string, sent: Sent = {}): Promise<Answer> {
    const answer = await exchange(this.origin, this.options, method, path, {
      ...sent,
      headers: { ...this.defaultHeaders(method, sent.body), ...sent.headers },
    });
    if (sent.dropAnswer !== true) for (const header of answer.setCookies) this.keep(header);
    return answer;
  }

  private defaultHeaders(method: string, body: Sent["body"]): Record<string, string> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    return {
      "user-agent": this.options.userAgent ?? firefox,
      accept: "text/html",
      ...(cookie === "" ? {} : { cookie }),
      ...(method === "GET" ? {} : { origin: this.origin }),
      ...(body instanceof URLSearchParams ? { "content-type": "application/x-www-form-urlencoded" } : {}),
    };
  }

  private keep(header: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
    if (/;\s*max-age=0\b/i.test(header)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

/** JSON to and from an API. */
export async function callApi(
  origin: string,
  method: string,
  path: string,
  { authorization, json }: { authorization?: string; json?: unknown } = {},
): Promise<{ status: number; body: unknown }> {
  const headers = {
    accept: "application/json",
    ...(authorization === undefined ? {} : { authorization }),
    ...(json === undefined ? {} : { "content-type": "application/json" }),
  };
  const body = json === undefined ? {} : { body: JSON.stringify(json) };
  const { status, text } = await exchange(origin, {}, method, path, { headers, ...body });
  return { status, body: /^\s*[{[]/.test(text) ? (JSON.parse(text) as unknown) : null };
}

function exchange(
  origin: string,
  { address, certificate }: ClientOptions,
  method: string,
  path: string,
  { body, headers = {}, dropAnswer = false }: Sent,
): Promise<Answer> {
  const { protocol, host, hostname, port } = new URL(origin);
  const bytes = body === undefined ? null : Buffer.from(String(body));
  const length = bytes === null ? {} : { "content-length": bytes.length };
  const options: RequestOptions & { servername?: string; ca?: string } = {
    // Node does not resolve *.localhost: the name is told in Host, as a proxy would.
    host: "127.0.0.1",
    port,
    method,
    path,
    agent: false,
    headers: { ...withoutNull({ host, ...headers }), ...length },
    ...(address === undefined ? {} : { localAddress: address }),
    ...(certificate === undefined ? {} : { servername: hostname, ca: certificate }),
  };
  return new Promise((resolve, reject) => {
    const request = (protocol === "https:" ? httpsRequest : httpRequest)(options, (response) => {
      const answer = answerOf(response);
      // The server has answered in full as far as it knows; this client never reads it.
      if (dropAnswer) request.destroy();
      (dropAnswer ? Promise.resolve(answer("")) : textOf(response).then(answer)).then(resolve, reject);
    });
    request.on("error", reject);
    request.end(bytes);
  });
}

function answerOf({ statusCode = 0, headers }: IncomingMessage): (text: string) => Answer {
  return (text) => ({
    status: statusCode,
    headers,
    setCookies: headers["set-cookie"] ?? [],
    location: headers.location ?? null,
    text,
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function withoutNull(headers: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((each): each is [string, string] => each[1] !== null),
  );
}
