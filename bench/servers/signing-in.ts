// Browsers that sign in through an application's own form, one after the other.
import { type IncomingMessage, request as send } from "node:http";
import { text } from "node:stream/consumers";
import { emailOf, nameOf, password } from "./provider.ts";

/** A browser that has signed in. */
export interface Browser {
  readonly name: string;
  /** Its Cookie header. */
  readonly cookie: string;
}

/** So many browsers of so many people, each with its cookies after `POST /login`; throws where one is not let in. */
export async function signedIn(
  at: { readonly port: number; readonly host: string },
  count: number,
  people: number,
): Promise<Browser[]> {
  const browsers: Browser[] = [];
  for (let index = 0; index < count; index++) {
    const cookies = new Map<string, string>();
    const form = await asked(at, "GET", cookies);
    const fields = { "form-token": form, loginId: emailOf(index % people), password };
    await asked(at, "POST", cookies, new URLSearchParams(fields).toString());
    browsers.push({ name: nameOf(index % people), cookie: headerOf(cookies) });
  }
  return browsers;
}

async function asked(
  { port, host }: { readonly port: number; readonly host: string },
  method: "GET" | "POST",
  cookies: Map<string, string>,
  body = "",
): Promise<string> {
  const headers = {
    host: `${host}:${port}`,
    origin: `http://${host}:${port}`,
    cookie: headerOf(cookies),
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ...(method === "POST" && { "content-type": "application/x-www-form-urlencoded" }),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    send({ host: "127.0.0.1", port, path: "/login", method, headers }, resolve).on("error", reject).end(body);
  });
  for (const line of response.headers["set-cookie"] ?? []) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === "") cookies.delete(name);
    else cookies.set(name, value);
  }
  const answer = await text(response);
  if (response.statusCode !== (method === "GET" ? 200 : 302))
    throw new Error(`${method} /login: ${response.statusCode} ${answer}`);
  return answer;
}

function headerOf(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
}
