// The provider's refresh alone, asked for by way of the thinnest application there can be: a token in a header, the next one in the body.
import { written } from "../connection.ts";
import type { Turn } from "../lane.ts";

export const turn: Turn<string> = async (connection, token, { host }) => {
  const { status, body } = await connection.ask(
    written("GET", "/", { Host: host, "X-Refresh-Token": token }),
  );
  if (status !== 200 || body === token) throw new Error(`The refresh answered ${status} ${body}`);
  return body;
};
