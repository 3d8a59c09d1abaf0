// What a lane of an exchange is: exchange.ts starts it, exchanging.ts runs it, and the files in lanes/ are some.
import type { Connection } from "./connection.ts";

/** Where a lane asks. */
export interface Target {
  readonly port: number;
  /** The Host header. */
  readonly host: string;
}

/**
 * One turn of a lane: asks what it has to, checks the answer, and says what its next turn starts from. What it throws is a failure, and ends
 * the lane for this run. A file in lanes/ exports one as `turn`; `State` has to be JSON.
 */
export type Turn<State> = (connection: Connection, state: State, target: Target) => Promise<State>;
