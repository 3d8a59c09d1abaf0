/** What the parts of `npm start` are built from. */
import { join } from "node:path";
import type { Environment } from "./environment.ts";
import type { Node } from "./listen.ts";
import type { Secrets } from "./secrets.ts";

/** What the caller may put in place of the real thing, and hear of. */
export interface Seams {
  readonly now?: () => number;
  /** Gets what an application could not handle: its visitor saw a page without details. */
  readonly onError?: (error: unknown) => void;
  /** Gets a line that says what this node is waiting for. */
  readonly onWaiting?: (line: string) => void;
}

/** What is being put together. */
export interface Building extends Seams {
  readonly environment: Environment;
  readonly secrets: Secrets;
  readonly node: Node;
  /** What has to be closed, in the opposite order. */
  readonly open: AsyncDisposableStack;
}

/** A database of this installation's own, by its name. */
export function ownDatabase({ environment }: Building, name: string): string {
  return join(environment.dataDirectory, `${name}.sqlite`);
}
