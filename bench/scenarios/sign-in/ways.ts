// How people sign in to the candidates of scenario 6, and whether they are let in as they should.
import { request as send } from "node:http";
import { text } from "node:stream/consumers";
import type { SigningIn } from "../../lanes/sign-in.ts";
import { isPageOf } from "../../page.ts";
import type { Running } from "../../running.ts";

const password = "correct horse battery staple";
const userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/** Where and how people sign in, whoever comes next. */
export type How = Omit<SigningIn, "next" | "patience" | "hasBegun">;

/** A form that was opened once: its token and its cookie are good for many posts. */
export async function throughTheForm(candidate: Running, people: number): Promise<How> {
  const form = await ask(candidate, "GET", "/login", {});
  const cookie = form.cookies.map((line) => line.slice(0, line.indexOf(";"))).join("; ");
  return {
    path: "/login",
    headers: {
      Cookie: cookie,
      Origin: `http://${candidate.host}`,
      "Content-Type": "application/x-www-form-urlencoded",
      "User-Agent": userAgent,
    },
    bodies: accounts(people).map((loginId) =>
      new URLSearchParams({ "form-token": form.body, loginId, password }).toString(),
    ),
    status: 302,
    cookie: "session",
  };
}

/** better-auth's own route. */
export function throughBetterAuth({ host }: Running): How {
  return {
    path: "/api/auth/sign-in/email",
    headers: {
      Origin: `http://${host}`,
      "Content-Type": "application/json",
      "User-Agent": userAgent,
    },
    bodies: accounts(20).map((email) => JSON.stringify({ email, password })),
    status: 200,
    cookie: "better-auth.session_token",
  };
}

function accounts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `person${index}@example.com`);
}

/** Throws unless the right password opens that person's page, and a wrong one, or none at all, opens nothing. */
export async function check(candidate: Running, how: How): Promise<void> {
  const failed = (what: string) => new Error(`${candidate.name}: ${what}`);
  const [body = ""] = how.bodies;
  const post = (sent: string) =>
    ask(candidate, "POST", how.path, { ...how.headers, "X-Forwarded-For": "192.0.2.1" }, sent);
  const right = await post(body);
  if (right.status !== how.status) throw failed(`the right password got ${right.status} ${right.body}`);
  const cookie = right.cookies.map((line) => line.slice(0, line.indexOf(";"))).join("; ");
  const page = await ask(candidate, "GET", "/page", { Cookie: cookie });
  if (page.status !== 200 || !isPageOf(page.body, "Person 0"))
    throw failed(`the page is ${page.status} ${page.body}`);
  const wrong = await post(body.replace("battery", "butter"));
  if (
    wrong.status < 400 ||
    wrong.status >= 500 ||
    wrong.cookies.some((line) => line.startsWith(`${how.cookie}=`))
  )
    throw failed(`a wrong password got ${wrong.status}`);
  if ((await ask(candidate, "GET", "/page", {})).status !== 302) throw failed("a page without a cookie");
}

interface Asked {
  readonly status: number;
  readonly body: string;
  readonly cookies: readonly string[];
}

function ask(
  { port, host }: Running,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body = "",
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const sent = { ...headers, host, "content-length": Buffer.byteLength(body) };
    send({ host: "127.0.0.1", port, path, method, headers: sent, agent: false }, (response) => {
      const { statusCode: status = 0 } = response;
      const cookies = response.headers["set-cookie"] ?? [];
      text(response).then((answer) => resolve({ status, body: answer, cookies }), reject);
    })
      .on("error", reject)
      .end(body);
  });
}
