/** A store that fails in every way a store on the other side of a network can, switched while it runs; what works is the store inside. */
import type { SessionStore } from "../src/index.ts";

/** Stands between a caller and the store: calls `reach`, or not, or spoils what comes of it. */
export type Spoil = (reach: () => Promise<unknown>, method: keyof SessionStore) => Promise<unknown>;

/** A store that can be spoilt. */
export interface FaultyStore extends SessionStore {
  /** `null` passes everything on. */
  spoil: Spoil | null;
}

/** The same store, spoilt as `spoil` says. */
export function faultyStore(store: SessionStore): FaultyStore {
  const faulty: { spoil: Spoil | null } = { spoil: null };
  // Nonsense has no type that fits: that is what it is there for.
  const spoilt = new Proxy(store, {
    get(_, method: keyof SessionStore) {
      return (...given: unknown[]) => {
        const reach = () => Reflect.apply(store[method], store, given) as Promise<unknown>;
        return faulty.spoil === null || method === "close" ? reach() : faulty.spoil(reach, method);
      };
    },
  });
  return new Proxy(spoilt, {
    get: (_, name) => (name === "spoil" ? faulty.spoil : Reflect.get(spoilt, name)),
    set(_, name, value: Spoil | null) {
      if (name === "spoil") faulty.spoil = value;
      return name === "spoil";
    },
  }) as FaultyStore;
}
