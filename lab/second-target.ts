/** A second target whose provider is the first one's, reached over a line that the lab can count, slow down and cut. */
import { type ProviderLine, providerLine } from "./local-server.ts";
import { startTarget, type Target } from "./target.ts";

/** Applications with a provider elsewhere. */
export interface Remote {
  readonly applications: Target;
  readonly line: ProviderLine;
  /** Turns the clocks of both targets forward. */
  pass(milliseconds: number): Promise<void>;
}

/** Starts it, does something with it, and stops it whatever happens. */
export async function withRemoteProvider<Value>(
  target: Target,
  does: (remote: Remote) => Promise<Value>,
): Promise<Value> {
  const line = await providerLine(target);
  try {
    const environment = { IDP_URL: line.origin, IDP_API_KEY: target.secret("apiKey") };
    const { folder, policy } = target;
    const applications = await startTarget({ folder, policy, environment });
    try {
      const pass = async (milliseconds: number) => {
        await target.pass(milliseconds);
        await applications.pass(milliseconds);
      };
      return await does({ applications, line, pass });
    } finally {
      await applications.stop();
    }
  } finally {
    await line.close();
  }
}
