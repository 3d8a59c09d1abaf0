/** Stands in for @node-rs/argon2 in the model test alone, where a real hash would be all of its time. */
import { createHash } from "node:crypto";

const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export const hash = (password: string): Promise<string> =>
  Promise.resolve(`cheap$${createHash("sha256").update(password).digest("base64url")}`);
export const verify = async (stored: string, password: string): Promise<boolean> =>
  stored === (await hash(password));
export const parseOptions = (): typeof parameters => parameters;
