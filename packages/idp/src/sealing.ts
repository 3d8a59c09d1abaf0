// Seals what must be stored but not readable in a stolen database: private signing keys, client secrets.
// AES-256-GCM under a key derived from the key ring; the id of the key stands in clear in front. The associated data
// names the row, so that a sealed value cannot be moved to another row by whoever can write the database.

import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import type { ResolvedConfig } from "./config.ts";
import { CannotUnsealError } from "./errors.ts";

const MOST_DIGESTS = 1_000;

/** Seals with the first key of the ring, opens with any. */
export interface Sealing {
  /** `about` says what the value is and whose, e.g. "client secret of <uuid>"; it must be given again to open. */
  seal(plain: string, about: string): string;
  /** Throws CannotUnsealError when no key opens it, naming `about`. */
  open(sealed: string, about: string): string;
  /** True if this is what was sealed; compared by digest in constant time (CWE-208). Throws CannotUnsealError as `open` does. */
  holds(sealed: string, about: string, plain: string): boolean;
  /** True when sealed under the key that writes; else it should be sealed anew, so that the old key can retire. */
  isCurrent(sealed: string): boolean;
}

/** The sealing over a key ring. */
export function createSealing({ keys, randomBytes }: Pick<ResolvedConfig, "keys" | "randomBytes">): Sealing {
  const ring = new Map(keys.map(({ id, secret }) => [id, deriveKey(secret, "latchkey idp: seal")]));
  const writer = keys[0]?.id ?? "";
  // What was sealed never changes, and opening it takes longer than all else that comparing it takes.
  const digests = new Map<string, Buffer>();

  const open = (sealed: string, about: string): string => {
    const [id = "", text = ""] = sealed.split(".");
    const key = ring.get(id);
    const bytes = Buffer.from(text, "base64url");
    if (key === undefined || bytes.length < 28) throw new CannotUnsealError(about);
    try {
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(-16));
      return decipher.update(bytes.subarray(12, -16), undefined, "utf8") + decipher.final("utf8");
    } catch {
      throw new CannotUnsealError(about);
    }
  };

  return {
    seal(plain, about) {
      const nonce = randomBytes(12);
      const key = ring.get(writer);
      if (key === undefined) throw new RangeError("No key in config.keys to seal with");
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(about));
      const sealed = Buffer.concat([
        nonce,
        cipher.update(plain, "utf8"),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
      return `${writer}.${sealed.toString("base64url")}`;
    },

    open,

    holds(sealed, about, plain) {
      // No `about` has this character, so that no two pairs are one text.
      const key = `${about}\0${sealed}`;
      const digest = digests.get(key) ?? digestOf(open(sealed, about));
      if (digests.size >= MOST_DIGESTS) digests.clear();
      digests.set(key, digest);
      return timingSafeEqual(digest, digestOf(plain));
    },

    isCurrent: (sealed) => sealed.startsWith(`${writer}.`),
  };
}

function digestOf(plain: string): Buffer {
  return hash("sha256", plain, "buffer");
}

/**
 * A 32-byte key for one purpose; two purposes never share a key (RFC 5869 §3.2). As an object, since of bytes node:crypto makes one at
 * every use, which takes longer than the use.
 */
export function deriveKey(secret: Buffer, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync("sha256", secret, "", purpose, 32)));
}
