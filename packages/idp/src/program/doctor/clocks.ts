// The clocks of an application with the library, which the provider can't see.

/** The clocks that an application with the library goes by, in ms. */
export interface ApplicationClocks {
  /** A sign-in is over after this, however it is used: the library's `rememberedAbsolute`. */
  signInAbsolute: number;
  /** A sign-in that is not used for this long is over: the library's `rememberedIdle`. */
  signInIdle: number;
  /** The refresh token is exchanged after this long at the latest. */
  revalidateAfter: number;
  /** How long the library waits for an answer. */
  deadline: number;
}

const DAY_MS = 86_400_000;

/** The library's own defaults. */
export const LIBRARY_CLOCKS: ApplicationClocks = {
  signInAbsolute: 30 * DAY_MS,
  signInIdle: 14 * DAY_MS,
  revalidateAfter: 600_000,
  deadline: 5_000,
};
