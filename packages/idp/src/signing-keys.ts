// The key pairs that sign access tokens, kept in the store with the private half sealed. One signs; those before it go on
// verifying until no token of theirs can be alive. Signs nothing itself: access-token.ts does.

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
  /** Makes a new key pair the one that signs and answers its kid. Tokens of the old one stay valid until they expire. */
  rotate(): Promise<string>;
}

// Another process on the same database may have rotated; its keys are seen after this time at the latest, or at once when
// a token names one.
const REREAD_AFTER_MS = 30_000;

// Clocks of those who verify may be a little behind.
const VERIFIES_FOR_MS = LONGEST_ACCESS_TOKEN_SECONDS * 1_000 + 300_000;

/** The ring in this store; makes the first key if none of the configured algorithm signs. */
export async function openSigningKeys(
  config: Pick<ResolvedConfig, "signingAlgorithm" | "now" | "uuid">,
  store: SigningKeyStore,
  sealing: Sealing,
  publish: Publish,
): Promise<SigningKeys> {
  let keys: UsableKey[] = [];
  let readAt = 0;

  const read = async (): Promise<void> => {
    const known = new Map(keys.map((key) => [key.kid, key]));
    const stored = await store.list();
    keys = stored.map((key) => known.get(key.kid) ?? opened(key, sealing));
    readAt = config.now();
  };

  const list = async (): Promise<UsableKey[]> => {
    if (Math.abs(config.now() - readAt) >= REREAD_AFTER_MS) await read();
    return keys;
  };

  const rotate = async (): Promise<string> => {
    const key = generated(config, sealing);
    await store.insert(key, config.now() + VERIFIES_FOR_MS);
    await read();
    publish({ type: "signing-key-rotated", kid: key.kid, algorithm: key.algorithm });
    return key.kid;
  };

  await read();
  await resealOld(store, sealing);
  if (keys[0]?.algorithm !== config.signingAlgorithm) await rotate();

  return {
    list,
    rotate,
    async current() {
      const [first] = await list();
      if (first === undefined) throw new Error("The store has no signing key");
      return first;
    },
    async find(kid) {
      const find = (): UsableKey | null => keys.find((key) => key.kid === kid) ?? null;
      await list();
      if (find() === null) await read();
      return find();
    },
  };
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

function opened({ kid, algorithm, publicKey, sealedPrivateKey }: SigningKey, sealing: Sealing): UsableKey {
  return {
    kid,
    algorithm,
    pem: publicKey,
    publicKey: createPublicKey(publicKey),
    privateKey: createPrivateKey(sealing.open(sealedPrivateKey, purpose(kid))),
  };
}

function generated(
  { signingAlgorithm, now, uuid }: Pick<ResolvedConfig, "signingAlgorithm" | "now" | "uuid">,
  sealing: Sealing,
): SigningKey {
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
