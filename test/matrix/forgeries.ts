/**
 * The ways to forge a request, each as one difference from what the application's own page would have sent. Everything
 * else stays right: cookies, body, and the form token too wherever the difference is not about the token.
 */

/** What a forgery starts from, and what the attacker has besides. */
export interface Forged {
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  /** The form token the victim's own page has. */
  readonly token: string;
  readonly origin: string;
}

/** A request to send in the victim's browser. An empty list takes a header away. */
export interface Forgery {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
}

/** What a forgery must come to: refused with these statuses, or, where it only reads, harmless. */
export type Forge = (forged: Forged) => Forgery;

const form = "application/x-www-form-urlencoded";
const evil = "https://evil.example";
const noFetchMetadata = { "sec-fetch-site": [] };

const right = ({ fields, token }: Forged): string =>
  new URLSearchParams({ "form-token": token, ...fields }).toString();
const without = ({ fields }: Forged): string => new URLSearchParams(fields).toString();
const posted = (forged: Forged, headers: NonNullable<Forgery["headers"]>, body = right(forged)): Forgery => ({
  method: "POST",
  path: forged.path,
  headers: { "content-type": form, ...headers },
  body,
});

/** A sibling host of the target: same-site, another origin. */
function sibling(origin: string): string {
  return origin.replace("://", "://evil.");
}

/** From another page, with the right token all the same. */
export const foreign: readonly [string, Forge][] = [
  [
    "a form on another site",
    (forged) =>
      posted(forged, { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", origin: evil }),
  ],
  [
    "a script on another site",
    (forged) => posted(forged, { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", origin: evil }),
  ],
  [
    "a sibling host",
    (forged) => posted(forged, { "sec-fetch-site": "same-site", origin: sibling(forged.origin) }),
  ],
  [
    "a sibling host that says our Origin",
    (forged) => posted(forged, { "sec-fetch-site": "same-site", origin: forged.origin }),
  ],
  [
    "a sandboxed frame (Origin null)",
    (forged) => posted(forged, { "sec-fetch-site": "cross-site", origin: "null" }),
  ],
  ["cookies without Origin", (forged) => posted(forged, { ...noFetchMetadata, origin: [] })],
  ["Origin null, in an old browser", (forged) => posted(forged, { ...noFetchMetadata, origin: "null" })],
  ["a foreign Origin, in an old browser", (forged) => posted(forged, { ...noFetchMetadata, origin: evil })],
  [
    "a sibling's Origin, in an old browser",
    (forged) => posted(forged, { ...noFetchMetadata, origin: sibling(forged.origin) }),
  ],
  [
    "an Origin that starts like ours",
    (forged) => posted(forged, { ...noFetchMetadata, origin: `${forged.origin}.evil.example` }),
  ],
  [
    "another port's Origin",
    (forged) => posted(forged, { ...noFetchMetadata, origin: `${forged.origin}:8443` }),
  ],
  [
    "another scheme's Origin",
    (forged) =>
      posted(forged, { ...noFetchMetadata, origin: forged.origin.replace(/^https?/, (s) => otherScheme(s)) }),
  ],
  [
    "a Host header that agrees with a foreign Origin",
    (forged) => posted(forged, { ...noFetchMetadata, origin: evil, host: "evil.example" }),
  ],
  [
    "a proxy's headers that agree with a foreign Origin",
    (forged) =>
      posted(forged, {
        ...noFetchMetadata,
        origin: evil,
        "x-forwarded-host": "evil.example",
        forwarded: "host=evil.example;proto=https",
      }),
  ],
  [
    "another site, said to be a GET by override",
    (forged) =>
      posted(
        forged,
        {
          "sec-fetch-site": "cross-site",
          origin: evil,
          "x-http-method-override": "GET",
          "x-method-override": "GET",
        },
        `${right(forged)}&_method=GET`,
      ),
  ],
];

function otherScheme(scheme: string): string {
  return scheme === "https" ? "http" : "https";
}

/** From our own page as far as headers go, but without its token in the place for it. */
export const tokenless: readonly [string, Forge][] = [
  ["without a token", (forged) => posted(forged, {}, without(forged))],
  ["with an empty token", (forged) => posted(forged, {}, `form-token=&${without(forged)}`)],
  [
    "with a token changed",
    (forged) => posted(forged, {}, right({ ...forged, token: changed(forged.token) })),
  ],
  [
    "with a token cut off",
    (forged) => posted(forged, {}, right({ ...forged, token: forged.token.slice(1) })),
  ],
  [
    "with the token in the address",
    (forged) => ({
      ...posted(forged, {}, without(forged)),
      path: `${forged.path}?form-token=${encodeURIComponent(forged.token)}`,
    }),
  ],
  [
    "with the token twice",
    (forged) => posted(forged, {}, `form-token=${encodeURIComponent(forged.token)}&${right(forged)}`),
  ],
  [
    "with the token as a member of a member",
    (forged) => posted(forged, {}, `form-token[x]=${encodeURIComponent(forged.token)}&${without(forged)}`),
  ],
  [
    "with the token under other names",
    (forged) =>
      posted(
        forged,
        { "x-csrf-token": forged.token, "x-xsrf-token": forged.token },
        `_csrf=${encodeURIComponent(forged.token)}&csrf_token=${encodeURIComponent(forged.token)}&${without(forged)}`,
      ),
  ],
  ...["PUT", "PATCH", "DELETE", "PROPFIND"].map((method): [string, Forge] => [
    `as ${method} without a token`,
    (forged) => ({ ...posted(forged, {}, without(forged)), method }),
  ]),
  [
    "said to be safe by override, without a token",
    (forged) =>
      posted(
        forged,
        { "x-http-method-override": "GET", "x-http-method": "GET", "x-method-override": "HEAD" },
        `_method=GET&${without(forged)}`,
      ),
  ],
];

/** With everything right but the type of the body, which a page of another site could send without asking first. */
export const otherTypes: readonly [string, Forge][] = [
  ["as text/plain", (forged) => posted(forged, { "content-type": "text/plain" })],
  ["as text/plain with parameters", (forged) => posted(forged, { "content-type": `text/plain; ${form}` })],
  [
    "as multipart/form-data",
    (forged) => posted(forged, { "content-type": "multipart/form-data; boundary=x" }, multipart(forged)),
  ],
  [
    "as JSON",
    (forged) =>
      posted(
        forged,
        { "content-type": "application/json" },
        JSON.stringify({ "form-token": forged.token, ...forged.fields }),
      ),
  ],
  ["without saying what it is", (forged) => posted(forged, { "content-type": [] })],
  ["as nothing at all", (forged) => posted(forged, { "content-type": "" })],
];

/** By a method that must not change anything, with all that the POST would have had. */
export const reading: readonly [string, Forge][] = [
  ...["GET", "HEAD", "OPTIONS"].map((method): [string, Forge] => [
    `${method} with everything in the address`,
    (forged) => ({ method, path: `${forged.path}?${right(forged)}` }),
  ]),
  ["GET with everything in a body", (forged) => ({ ...posted(forged, {}), method: "GET" })],
  [
    "GET said to be a POST by override",
    (forged) => ({
      ...posted(
        forged,
        { "x-http-method-override": "POST", "x-http-method": "POST", "x-method-override": "POST" },
        `_method=POST&${right(forged)}`,
      ),
      method: "GET",
      path: `${forged.path}?_method=POST&${right(forged)}`,
    }),
  ],
];

function changed(token: string): string {
  return token.startsWith("A") ? `B${token.slice(1)}` : `A${token.slice(1)}`;
}

function multipart(forged: Forged): string {
  const fields = Object.entries({ "form-token": forged.token, ...forged.fields });
  return `${fields.map(([name, value]) => `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join("")}--x--\r\n`;
}
