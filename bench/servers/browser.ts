// A browser of somebody who has signed in through the application's own form, and posts other forms of it.
import { type IncomingMessage, request as send } from "node:http";
import { text } from "node:stream/consumers";
import { password } from "./provider.ts";

/** Posts the form at that path, with a token of its own; answers the status. */
export type Post = (path: string) => Promise<number>;

/** Signs in at `/login` as that person; throws where it is not let in. Tokens of forms are what `/form` answers. */
export async function signedInAs(
  at: { readonly port: number; readonly host: string },
  loginId: string,
): Promise<Post> {
  const cookies = new Map<string, string>();
  const posted = async (path: string, formPath: string, fields: Readonly<Record<string, string>>) => {
    const form = await asked(at, "GET", formPath, cookies);
    const body = new URLSearchParams({ ...fields, "form-token": form.body }).toString();
    return asked(at, "POST", path, cookies, body);
  };
  const { status, body } = await posted("/login", "/login", { loginId, password });
  if (status !== 302) throw new Error(`POST /login: ${status} ${body}`);
  return async (path) => (await posted(path, "/form", {})).status;
}

async function asked(
  { port, host }: { readonly port: number; readonly host: string },
  method: "GET" | "POST",
  path: string,
  cookies: Map<string, string>,
  body = "",
): Promise<{ status: number; body: string }> {
  const headers = {
    host: `${host}:${port}`,
    origin: `http://${host}:${port}`,
    cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    ...(method === "POST" && { "content-type": "application/x-www-form-urlencoded" }),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    send({ host: "127.0.0.1", port, path, method, headers }, resolve).on("error", reject).end(body);
  });
  for (const line of response.headers["set-cookie"] ?? []) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === "") cookies.delete(name);
    else cookies.set(name, value);
  }
  return { status: response.statusCode ?? 0, body: await text(response) };
}
