// The key pairs that sign access tokens, kept in the store with the private half sealed. One signs; those before it go on
// verifying until no token of theirs can be alive. Which one signs depends on the ring and the clock alone, so that all nodes agree
// without talking to each other. Signs nothing itself: access-token.ts does.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from "node:crypto";
import type { ResolvedConfig, SigningAlgorithm } from "./config.ts";
import type { Publish } from "./events.ts";
import type { Sealing } from "./sealing.ts";
import type { SigningKey } from "./store/records.ts";
import type { SigningKeyStore } from "./store/store.ts";
import { LONGEST_ACCESS_TOKEN_SECONDS } from "./token-policy.ts";

/** A key ready for use. */
export interface UsableKey {
  kid: string;
  algorithm: SigningAlgorithm;
  publicKey: KeyObject;
  privateKey: KeyObject;
  /** SPKI PEM. */
  pem: string;
  /** When it was made, epoch milliseconds. */
  insertInstant: number;
  /** Null: none is newer. Else it is forgotten after this instant. */
  verifiesUntil: number | null;
}

/** A public key as JWKS lists it (RFC 7517 §4). */
export type PublicJwk = JsonWebKey & { kid: string; alg: string; use: "sig" };

/** The provider's key ring. */
export interface SigningKeys {
  /** The key that signs now. */
  current(): Promise<UsableKey>;
  /** A key that may verify; null for an unknown kid. */
  find(kid: string): Promise<UsableKey | null>;
  /** All keys that may verify, the one that signs first. */
  list(): Promise<UsableKey[]>;
  /** The same as it is in the store this instant, for JWKS; as it was last seen while the store is down. */
  published(): Promise<UsableKey[]>;
  /**
   * Makes a new key pair and answers its kid. It signs after a minute in which every verifier can see it, with `now` as soon as the
   * nodes have seen it themselves, within 20 seconds. Tokens of the old key stay valid until they expire.
   */
  rotate(options?: { now?: boolean }): Promise<string>;
  /** Forgets a key; what it signed verifies nowhere from then on. One that signs, or may still sign on a node, is kept. */
  retire(kid: string): Promise<Retired>;
  /** Makes a key if none of the configured algorithm is the newest, and seals those anew that an older key of `config.keys` sealed. */
  ensure(): Promise<void>;
}

/** What became of a key that was to retire; `afterMs`: it may still sign somewhere, ask again then – Infinity: after a rotation. */
export type Retired = { outcome: "retired" } | { outcome: "unknown" } | { outcome: "signs"; afterMs: number };

// Another process on the same database may have rotated; its keys are seen after this time at the latest, or at once when
// a token names one.
const REREAD_AFTER_MS = 20_000;

/** How long a new key is published before it signs, in ms: longer than any node's ring is old, and than JWKS may be kept. */
export const PUBLISHED_FOR_MS = 60_000;

// Longest token signed at the last instant by the node that saw the new key last; clocks of those who verify may be a little behind.
const VERIFIES_FOR_MS = PUBLISHED_FOR_MS + REREAD_AFTER_MS + LONGEST_ACCESS_TOKEN_SECONDS * 1_000 + 300_000;

type KeyConfig = Pick<ResolvedConfig, "signingAlgorithm" | "now" | "uuid">;

/** The ring in this store; nothing is written until `ensure`. Throws CannotUnsealError, StoreUnavailableError. */
export async function openSigningKeys(
  config: KeyConfig,
  store: SigningKeyStore,
  sealing: Sealing,
  publish: Publish,
): Promise<SigningKeys> {
  const ring = createRing(config, store, sealing, publish);
  await ring.read();

  const rotate = async ({ now: atOnce = false } = {}): Promise<string> => {
    const key = generated(config, sealing);
    // As if it had been published before. Nodes that have not seen it sign with the old one for up to 20 s.
    if (atOnce) key.insertInstant -= PUBLISHED_FOR_MS;
    await store.insert(key, config.now() + VERIFIES_FOR_MS);
    await ring.read();
    publish({ type: "signing-key-rotated", kid: key.kid, algorithm: key.algorithm });
    return key.kid;
  };

  return {
    list: ring.list,
    published: ring.published,
    rotate,
    async current() {
      const [first] = await ring.list();
      if (first === undefined) throw new Error("The store has no signing key");
      return first;
    },
    async find(kid) {
      const isIt = (key: UsableKey): boolean => key.kid === kid;
      return (await ring.list()).find(isIt) ?? (await ring.read()).find(isIt) ?? null;
    },
    async retire(kid) {
      const verdict = mayRetire(await store.list(), kid, config.now());
      if (verdict.outcome !== "retired") return verdict;
      const found = await store.retire(kid);
      await ring.read();
      return found ? verdict : { outcome: "unknown" };
    },
    async ensure() {
      await resealOld(store, sealing);
      const [newest] = (await ring.read()).toSorted(byAge);
      if (newest?.algorithm !== config.signingAlgorithm) await rotate();
    },
  };
}

interface Ring {
  /** At most 20 s old. */
  list(): Promise<UsableKey[]>;
  read(): Promise<UsableKey[]>;
  published(): Promise<UsableKey[]>;
}

function createRing({ now }: KeyConfig, store: SigningKeyStore, sealing: Sealing, publish: Publish): Ring {
  let keys: UsableKey[] = [];
  let readAt = 0;

  const read = async (): Promise<UsableKey[]> => {
    const asked = now();
    const known = new Map(keys.map((key) => [key.kid, key]));
    const stored = await store.list();
    keys = stored.map((key) => {
      return { ...(known.get(key.kid) ?? opened(key, sealing)), verifiesUntil: key.verifiesUntil };
    });
    readAt = asked;
    const ring = signerFirst(keys, now());
    const [signer] = ring;
    if (signer) publish({ type: "signing-key-in-use", kid: signer.kid, since: signer.insertInstant });
    return ring;
  };

  return {
    read,
    async list() {
      return Math.abs(now() - readAt) >= REREAD_AFTER_MS ? read() : signerFirst(keys, now());
    },
    // A key that signs is in the store before: JWKS that are read from there lack none, however the nodes start and rotate.
    async published() {
      return read().catch(() => signerFirst(keys, now()));
    },
  };
}

// The newest of those that all nodes have published for a minute signs. Where there is none the ring is new: the oldest, which
// nodes that start at once agree on, signs without waiting.
function signerFirst(keys: readonly UsableKey[], now: number): UsableKey[] {
  const isPublished = ({ insertInstant }: UsableKey): boolean => insertInstant + PUBLISHED_FOR_MS <= now;
  const newestFirst = keys.toSorted(byAge);
  const signer = newestFirst.find(isPublished) ?? newestFirst.at(-1);
  return signer === undefined ? [] : [signer, ...newestFirst.filter((key) => key !== signer)];
}

type Made = Pick<SigningKey, "kid" | "insertInstant" | "verifiesUntil">;

// Newest first: one that no other has replaced, then by when they were replaced. Not by `insertInstant` alone, which a key that signs
// at once has from a minute before it was made.
function byAge(one: Made, other: Made): number {
  const replaced = ({ verifiesUntil }: Made): number => verifiesUntil ?? Number.MAX_SAFE_INTEGER;
  const later = replaced(other) - replaced(one) || other.insertInstant - one.insertInstant;
  return later || (one.kid < other.kid ? -1 : 1);
}

// A node goes by a ring that is up to 20 s old. Until all have seen a newer key that signs, this one may sign on some of them, and
// what it signs there would be refused elsewhere; unless it is so new that none signs with it before all have forgotten it.
function mayRetire(keys: readonly Made[], kid: string, now: number): Retired {
  const newestFirst = keys.toSorted(byAge);
  const place = newestFirst.findIndex((key) => key.kid === kid);
  const key = newestFirst[place];
  if (key === undefined) return { outcome: "unknown" };
  const seenFor = ({ insertInstant }: Made): number =>
    now - (insertInstant + PUBLISHED_FOR_MS + REREAD_AFTER_MS);
  const isPending = key.insertInstant + PUBLISHED_FOR_MS - REREAD_AFTER_MS > now;
  const mayReplace = newestFirst.filter((_, index) => index < place || (isPending && index > place));
  const longest = Math.max(...mayReplace.map(seenFor));
  return longest >= 0 ? { outcome: "retired" } : { outcome: "signs", afterMs: -longest };
}

/** The public half as JWKS shows it. */
export function publicJwk({ kid, algorithm, publicKey }: UsableKey): PublicJwk {
  return { ...publicKey.export({ format: "jwk" }), kid, alg: algorithm, use: "sig" };
}

async function resealOld(store: SigningKeyStore, sealing: Sealing): Promise<void> {
  for (const { kid, sealedPrivateKey } of await store.list()) {
    if (sealing.isCurrent(sealedPrivateKey)) continue;
    await store.reseal(kid, sealing.seal(sealing.open(sealedPrivateKey, purpose(kid)), purpose(kid)));
  }
}

function opened(
  { kid, algorithm, publicKey, sealedPrivateKey, insertInstant, verifiesUntil }: SigningKey,
  sealing: Sealing,
): UsableKey {
  return {
    kid,
    insertInstant,
    verifiesUntil,
    algorithm,
    pem: publicKey,
    publicKey: createPublicKey(publicKey),
    privateKey: createPrivateKey(sealing.open(sealedPrivateKey, purpose(kid))),
  };
}

function generated({ signingAlgorithm, now, uuid }: KeyConfig, sealing: Sealing): SigningKey {
  const kid = uuid();
  const { publicKey, privateKey } = keyPair(signingAlgorithm);
  return {
    kid,
    algorithm: signingAlgorithm,
    publicKey,
    sealedPrivateKey: sealing.seal(privateKey, purpose(kid)),
    insertInstant: now(),
    verifiesUntil: null,
  };
}

function keyPair(algorithm: SigningAlgorithm): { publicKey: string; privateKey: string } {
  const publicKeyEncoding = { type: "spki", format: "pem" } as const;
  const privateKeyEncoding = { type: "pkcs8", format: "pem" } as const;
  if (algorithm === "EdDSA") return generateKeyPairSync("ed25519", { publicKeyEncoding, privateKeyEncoding });
  if (algorithm === "ES256") {
    return generateKeyPairSync("ec", { namedCurve: "P-256", publicKeyEncoding, privateKeyEncoding });
  }
  // ASVS 11.2.3: 128 bits of security ask for at least 3,072 bits.
  return generateKeyPairSync("rsa", { modulusLength: 3_072, publicKeyEncoding, privateKeyEncoding });
}

function purpose(kid: string): string {
  return `signing key ${kid}`;
}
