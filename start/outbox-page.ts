/** How the outbox looks. Every text in it was written by somebody else, and is escaped. */
import type { SentMail } from "./outbox.ts";

/** The page: the messages in the order given. */
export function outboxPage(messages: readonly SentMail[]): string {
  const body =
    messages.length === 0
      ? `<p class="empty">Nothing has been sent yet. Sign in from another browser, or change a password.</p>`
      : messages.map(article).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Outbox (${messages.length})</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/outbox.css">
</head>
<body>
  <main>
    <h1>Outbox</h1>
    <p class="note">What the identity provider would have mailed: the last hundred messages, newest first. <a href="/">Look again</a></p>
    ${body}
  </main>
</body>
</html>
`;
}

function article({ at, to, subject, text }: SentMail): string {
  return `<article>
      <h2>${escaped(subject)}</h2>
      <p class="note">To <span>${escaped(to)}</span>, <time datetime="${escaped(at)}">${escaped(at.slice(0, 19).replace("T", " "))} UTC</time></p>
      <p class="text">${escaped(text)}</p>
    </article>`;
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** Its style sheet. */
export const outboxStyle = `
:root {
  color-scheme: light dark;
  --line: light-dark(#d9dde3, #30363d);
  --quiet: light-dark(#59626e, #9aa4af);
  --card: light-dark(#ffffff, #161b22);
  background: light-dark(#f4f5f7, #0d1117);
  color: light-dark(#1d2530, #dde3ea);
  font: 1rem/1.55 system-ui, sans-serif;
}
body { margin: 0; }
main { max-width: 44rem; margin: 0 auto; padding: clamp(1.25rem, 4vw, 2.5rem) 1rem; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 0; font-size: 1.1rem; line-height: 1.35; overflow-wrap: anywhere; }
a { color: light-dark(#0b57b7, #6cb0ff); }
a:focus-visible { outline: 3px solid currentcolor; outline-offset: 2px; }
.note { margin: 0.25rem 0 1.5rem; color: var(--quiet); font-size: 0.9rem; overflow-wrap: anywhere; }
article { margin-bottom: 1rem; padding: 1.1rem 1.25rem; border: 1px solid var(--line); border-radius: 0.6rem; background: var(--card); }
article .note { margin-bottom: 0.75rem; }
.text { margin: 0; overflow-wrap: anywhere; white-space: pre-line; }
.empty { padding: 2.5rem 1.25rem; border: 1px dashed var(--line); border-radius: 0.6rem; text-align: center; }
`;
