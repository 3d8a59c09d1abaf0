// The page that every candidate of scenarios 1 to 3 and 6 serves: 1 KiB of HTML that names who is signed in. Making it costs next to nothing,
// so that what is left of a request is the framework and the session.

const size = 1_024;
const frame = page("");

/** The page of that person; a page for nobody names nobody. Always 1,024 bytes. */
export function page(name: string): string {
  const head = `<!doctype html><html lang="en"><title>Cart</title><h1>Cart</h1><p>Signed in as <b>${name}</b>.</p><p>`;
  if (name !== "") return head + frame.slice(head.length);
  return `${head.padEnd(size - "</p></html>".length, "0 items. ")}</p></html>`;
}

/** Whether a body is that person's page. */
export function isPageOf(body: string, name: string): boolean {
  return body.length === size && body.includes(`<b>${name}</b>`);
}
