// A refresh token, exchanged for the next one again and again; all answers must be a new token and a signed access token.
import { written } from "../connection.ts";
import type { Turn } from "../lane.ts";

/** A family of refresh tokens and how it is refreshed. */
export interface Family {
  readonly path: string;
  /** `Basic …` for the refresh grant (RFC 6749 §6); `null` for `POST /api/jwt/refresh`, which takes JSON and no client credentials. */
  readonly authorization: string | null;
  /** The newest refresh token. */
  readonly token: string;
  /** What came with it. */
  readonly accessToken: string | null;
}

export const turn: Turn<Family> = async (connection, family, { host }) => {
  const { path, authorization, token } = family;
  const { status, body } = await connection.ask(
    authorization === null
      ? written(
          "POST",
          path,
          { Host: host, "Content-Type": "application/json" },
          `{"refreshToken":"${token}"}`,
        )
      : written(
          "POST",
          path,
          { Host: host, "Content-Type": "application/x-www-form-urlencoded", Authorization: authorization },
          `grant_type=refresh_token&refresh_token=${encodeURIComponent(token)}`,
        ),
  );
  if (status !== 200) throw new Error(`${path} answered ${status} ${body}`);
  const answer = JSON.parse(body) as Record<string, unknown>;
  const next = answer["refresh_token"] ?? answer["refreshToken"];
  const accessToken = answer["access_token"] ?? answer["token"];
  if (typeof next !== "string" || next === token) throw new Error(`${path} did not rotate the token`);
  if (typeof accessToken !== "string" || accessToken.split(".").length !== 3)
    throw new Error(`${path} gave no signed access token`);
  return { ...family, token: next, accessToken };
};
