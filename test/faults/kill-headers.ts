// How a request says that the process is to die of it.

/** Kills the process that gets the request, at its nth step. */
export const killHere = "x-kill-here-at";
/** Kills the provider, at the nth step of its answer to a call that the request makes. */
export const killProvider = "x-kill-provider-at";
/** Where the application's webhooks arrive. */
export const webhookPath = "/webhooks/identity-provider";
