/**
 * Loaded into a target before its own code (`node --import`): the process's clock, which the lab turns forward by
 * message, so that ten minutes or thirty days of the default policy pass in seconds. It changes `Date` and nothing else:
 * timers, and what the target's code decides, stay as they are.
 */
const realDate = Date;
let ahead = Number(process.env["LAB_CLOCK_AHEAD"] ?? 0);
const now = () => realDate.now() + ahead;

globalThis.Date = new Proxy(realDate, {
  construct: (target, parts, newTarget) =>
    Reflect.construct(target, parts.length === 0 ? [now()] : parts, newTarget) as object,
  apply: () => new realDate(now()).toString(),
  get: (target, key) => (key === "now" ? now : (Reflect.get(target, key) as unknown)),
});

process.on("message", (milliseconds) => {
  ahead = Number(milliseconds);
  process.send?.(ahead);
});
// A target must not outlive the lab that started it.
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
process.channel?.unref();
