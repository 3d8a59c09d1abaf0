/**
 * A browser as far as a server can tell: it keeps cookies, sends its Origin with a form, follows no redirect unless told
 * to, and fills in the forms it finds in a page, so that a test goes through the real ones.
 */

/** What came back. */
export interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
  readonly location: string | null;
  readonly setCookies: readonly string[];
}

/** What to send besides the cookies. */
export interface Sent {
  readonly body?: string | URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Fields to fill in; `null` leaves a field of the form out, several values send it several times. */
export type Filled = Readonly<Record<string, string | readonly string[] | null>>;

/** One browser with its own cookies. */
export interface Browser {
  readonly cookies: Map<string, string>;
  get(path: string): Promise<Page>;
  send(method: string, path: string, sent?: Sent): Promise<Page>;
  /** Sends the page's form with that action; throws where the page has none. */
  submit(page: Page, action: string, filled?: Filled): Promise<Page>;
  /** Goes to the login form and sends it. */
  signIn(email: string, password: string, filled?: Filled): Promise<Page>;
}

/** A browser that reaches `origin` at `address`, as a proxy in front of the application would. */
export function browser(address: string, origin: string, userAgent = "a browser of the tests"): Browser {
  const cookies = new Map<string, string>();

  const send: Browser["send"] = async (method, path, { body, headers = {} } = {}) => {
    const response = await fetch(`${address}${path}`, {
      method,
      redirect: "manual",
      headers: {
        "user-agent": userAgent,
        ...(method === "GET" ? {} : { origin }),
        ...(cookies.size === 0 ? {} : { cookie: cookieHeader(cookies) }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const setCookies = response.headers.getSetCookie();
    for (const header of setCookies) keepCookie(cookies, header);
    return {
      status: response.status,
      headers: response.headers,
      html: await response.text(),
      location: response.headers.get("location"),
      setCookies,
    };
  };

  const submit: Browser["submit"] = (page, action, filled = {}) =>
    send("POST", action, { body: filledIn(formOf(page, action), filled) });

  return {
    cookies,
    get: (path) => send("GET", path),
    send,
    submit,
    async signIn(email, password, filled = {}) {
      return submit(await send("GET", "/login"), "/login", { email, password, ...filled });
    },
  };
}

/** The value of a hidden field of the page's form with that action. */
export function hiddenField(page: Page, action: string, name: string): string | null {
  return formOf(page, action).get(name);
}

/** A text as it stands in HTML. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function unescaped(html: string): string {
  return Object.entries(entities).reduceRight(
    (text, [character, entity]) => text.replaceAll(entity, character),
    html,
  );
}

function cookieHeader(cookies: Map<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
}

function keepCookie(cookies: Map<string, string>, header: string): void {
  const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
  if (/;\s*max-age=0\b/i.test(header)) cookies.delete(name);
  else cookies.set(name, value);
}

/** The fields a form would send untouched. */
function formOf({ html, status }: Page, action: string): URLSearchParams {
  const [fields] = html.split(` method="post" action="${action}">`)[1]?.split("</form>") ?? [];
  if (fields === undefined) throw new Error(`The page (${status}) has no form for ${action}.`);
  const form = new URLSearchParams();
  for (const [input] of fields.matchAll(/<input [^>]*>/g)) {
    const name = attribute(input, "name");
    if (name !== null && attribute(input, "type") !== "checkbox")
      form.set(name, attribute(input, "value") ?? "");
  }
  return form;
}

function attribute(tag: string, name: string): string | null {
  const value = new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? null : unescaped(value);
}

function filledIn(form: URLSearchParams, filled: Filled): URLSearchParams {
  for (const [name, value] of Object.entries(filled)) {
    form.delete(name);
    for (const each of [value].flat()) if (each !== null) form.append(name, each);
  }
  return form;
}
