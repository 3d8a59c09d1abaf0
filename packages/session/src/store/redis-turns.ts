/**
 * Commands of one turn of the event loop leave in one write. Without it each is a system call here and one for Redis, and these cost
 * more than the rest of using a session; nobody waits longer, since the loop would not look for answers before the turn is over.
 */
import type { Socket } from "node:net";
import { type Cluster, Redis } from "ioredis";

/** Asked before each command. A Cluster's commands go to several connections, and leave one by one. */
export function turns(client: Redis | Cluster): () => void {
  if (!(client instanceof Redis)) return () => {};
  let held: Socket | null = null;
  const release = () => {
    held?.uncork();
    held = null;
  };
  return () => {
    if (held !== null || client.status !== "ready") return;
    held = client.stream;
    held.cork();
    setImmediate(release);
  };
}
