// Bounds that hold whichever store is used: what grows, how far, and what waits, how long.

/** Known devices of one user: nobody uses more, and who has the password must not make the table grow without end (CWE-770). */
export const MOST_DEVICES_OF_A_USER = 50;

/** A device that was not used for so long is forgotten: as long as a browser keeps a cookie. */
export const DEVICE_UNUSED_FOR_MS: number = 400 * 86_400_000;

/** Webhooks that are global, and as many again of each tenant: each event is written once for each that hears of it (CWE-770). */
export const MOST_WEBHOOKS_OF_A_REACH = 50;

/**
 * What is not told in the step in which it came to pass is told so much later: the attempt that led to it, right or wrong, has been
 * answered by then (its time must say nothing), and what several attempts are told of is one write.
 */
export const AFTER_THE_ANSWER_MS = 250;

/** Of that, what is kept while the database is down: guesses must not fill the memory (CWE-770). */
export const MOST_TOLD_LATER = 1_000;
