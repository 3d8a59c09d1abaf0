// A register of secrets, and the search for them in whatever a run wrote down: raw, URL-encoded, or base64
// at any alignment (a client secret inside `Basic …` does not start where the base64 does).
// It must not decide what is a secret or what is searched: test/leak-watch.ts does.

/** A secret that was found where it must not be. Shows how the secret starts, never all of it. */
export interface Leak {
  secret: string;
  origin: string;
  form: string;
  source: string;
}

/** Something written during a run, and where it was written to. */
export interface Written {
  source: string;
  text: string;
}

interface Form {
  text: string;
  name: string;
  secret: string;
}

// Shorter values occur by chance; this is also the length of the window that the search slides.
const shortest = 8;

/** The secrets of one run. */
export class Secrets {
  readonly #origins = new Map<string, string>();

  /** Registers a secret and where it came from. A value of fewer than 8 characters is left out. */
  add(value: string, origin: string): void {
    if (value.length >= shortest && !this.#origins.has(value)) this.#origins.set(value, origin);
  }

  /** Every registered secret that occurs in what was written, once for each form and source. */
  leaks(written: Iterable<Written>): Leak[] {
    const forms = this.#formsByStart();
    const found = new Map<string, Leak>();
    for (const { source, text } of written) {
      for (let at = 0; at + shortest <= text.length; at++) {
        for (const form of forms.get(text.slice(at, at + shortest)) ?? []) {
          if (!text.startsWith(form.text, at)) continue;
          found.set(`${form.name} ${source} ${form.secret}`, this.#leak(form, source));
        }
      }
    }
    return [...found.values()];
  }

  // By their first eight characters, so that the search is one pass over the text for any number of secrets.
  #formsByStart(): Map<string, Form[]> {
    const forms = [...this.#origins.keys()].flatMap(formsOf);
    return Map.groupBy(forms, (form) => form.text.slice(0, shortest));
  }

  #leak(form: Form, source: string): Leak {
    const secret = `${form.secret.slice(0, 4)}… (${form.secret.length} characters)`;
    return { secret, origin: this.#origins.get(form.secret) ?? "", form: form.name, source };
  }
}

function formsOf(secret: string): Form[] {
  const urlEncoded = encodeURIComponent(secret.toWellFormed());
  const base64 = [0, 1, 2].map((offset) => base64At(secret, offset));
  const texts = new Map([
    ...base64.map((text) => [text.replaceAll("+", "-").replaceAll("/", "_"), "base64url"] as const),
    ...base64.map((text) => [text, "base64"] as const),
    [urlEncoded.replaceAll("%20", "+"), "form-encoded"],
    [urlEncoded, "URL-encoded"],
    [secret, "raw"],
  ]);
  return Array.from(texts, ([text, name]) => ({ text, name, secret }));
}

/** The base64 characters that depend on the secret alone when it starts `offset` bytes into a group of three. */
function base64At(secret: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
  return bytes.toString("base64").slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6));
}
