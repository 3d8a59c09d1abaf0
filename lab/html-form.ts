/** Reads the forms of a page, as a browser would before it sends one. Knows HTML and no application. */

/** A form as it would be sent untouched. */
export interface HtmlForm {
  readonly method: string;
  readonly action: string;
  readonly fields: URLSearchParams;
}

/** All forms of a page, in order. */
export function formsIn(html: string): HtmlForm[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, tag = "", inside = ""]) => ({
    method: (attribute(tag, "method") ?? "get").toUpperCase(),
    action: attribute(tag, "action") ?? "",
    fields: fieldsIn(inside),
  }));
}

/** The form that posts to an action; throws where the page has none. */
export function formFor(html: string, action: string): HtmlForm {
  const found = formsIn(html).find((form) => form.method === "POST" && form.action === action);
  if (found === undefined) throw new Error(`The page has no form for ${action}`);
  return found;
}

function fieldsIn(html: string): URLSearchParams {
  const fields = new URLSearchParams();
  for (const [, tag = ""] of html.matchAll(/<input\b([^>]*)>/g)) {
    const name = attribute(tag, "name");
    const isUnchecked = attribute(tag, "type") === "checkbox" && !/\schecked\b/.test(tag);
    if (name !== null && !isUnchecked) fields.append(name, attribute(tag, "value") ?? "");
  }
  return fields;
}

function attribute(tag: string, name: string): string | null {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? null : unescaped(value);
}

const entities: Record<string, string> = { quot: '"', "#39": "'", lt: "<", gt: ">", amp: "&" };

function unescaped(text: string): string {
  return text.replace(/&(quot|#39|lt|gt|amp);/g, (_, name: string) => entities[name] ?? "");
}
