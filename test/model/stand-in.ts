/**
 * A stand-in for the identity provider that costs next to nothing, so that many more histories can be played than the
 * real one has time for. It knows the calls the library makes, and nothing else; stand-in.test.ts holds it against the
 * real one, call by call.
 */
import { generateKeyPairSync, randomBytes, randomUUID, sign } from "node:crypto";
import { applicationIds, type Backend, clientSecret, issuer, record } from "./provider.ts";

interface User {
  readonly id: string;
  readonly email: string;
  password: string;
  passwordChangedAt: number;
  active: boolean;
}

interface Family {
  readonly id: string;
  readonly user: User;
  readonly applicationId: string;
  readonly startedAt: number;
  generation: number;
  rotatedAt: number;
  isRevoked: boolean;
}

interface Call {
  readonly request: Request;
  readonly path: string;
  readonly query: URLSearchParams;
}

const grace = 86_399_000;
const lifetime = 43_200 * 60_000;
const kid = "stand-in";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const keySet = { keys: [{ ...publicKey.export({ format: "jwk" }), kid, alg: "EdDSA", use: "sig" }] };

/** Starts one; what it has stored outlives a restart, and there is nothing else. */
export function standIn(now: () => number): Backend {
  const users = new Map<string, User>();
  const families = new Map<string, Family>();
  const accessTokens = new Map<string, string>();

  // The window slides within the maximum, and both are as long: the maximum is all there is.
  const alive = ({ isRevoked, startedAt }: Family) => !isRevoked && now() < startedAt + lifetime;
  const familiesOf = (user: User) => [...families.values()].filter((family) => family.user === user);
  const revokeAll = (user: User) => {
    for (const family of familiesOf(user)) family.isRevoked = true;
  };

  const accessToken = ({ id, email }: User, aud: string) => {
    const name = `${id} ${aud}`;
    // The same one each time, good for ever: signing is not what histories are about.
    const claims = { iss: issuer, aud, sub: id, email, roles: ["customer"], iat: 1, exp: 1e11 };
    const token = accessTokens.get(name) ?? signed(claims);
    accessTokens.set(name, token);
    return token;
  };

  async function login({ request }: Call): Promise<Response> {
    const { loginId, password, applicationId } = record(await request.json());
    const user = [...users.values()].find(({ email }) => email === loginId);
    if (user === undefined || user.password !== password) return empty(404);
    if (!user.active) return empty(423);
    const at = now();
    const family = {
      id: randomUUID(),
      user,
      applicationId: String(applicationId),
      startedAt: at,
      generation: 1,
      rotatedAt: at,
      isRevoked: false,
    };
    families.set(family.id, family);
    const token = accessToken(user, family.applicationId);
    return Response.json({
      user: shown(user),
      token,
      refreshToken: textOf(family),
      refreshTokenId: family.id,
    });
  }

  async function refresh({ request }: Call): Promise<Response> {
    const basic = Buffer.from((request.headers.get("authorization") ?? "").slice(6), "base64").toString();
    const [clientId = "", secret] = basic.split(":");
    if (!applicationIds.includes(clientId) || secret !== clientSecret)
      return Response.json({ error: "invalid_client" }, { status: 401 });
    const form = new URLSearchParams(await request.text());
    const [id = "", generation] = (form.get("refresh_token") ?? "").split(".");
    const family = families.get(id);
    if (
      family === undefined ||
      family.applicationId !== clientId ||
      !(await renew(family, Number(generation)))
    )
      return Response.json({ error: "invalid_grant" }, { status: 400 });
    return Response.json({
      access_token: accessToken(family.user, clientId),
      refresh_token: textOf(family),
      refresh_token_id: id,
    });
  }

  /** Whether that generation is still good for the newest one. */
  async function renew(family: Family, generation: number): Promise<boolean> {
    const isCurrent = generation === family.generation;
    const isRepeated = generation === family.generation - 1 && now() - family.rotatedAt < grace;
    if (!alive(family)) return false;
    if (!isCurrent && !isRepeated) family.isRevoked = true;
    if (family.isRevoked || !family.user.active) return false;
    if (isCurrent) Object.assign(family, { generation: generation + 1, rotatedAt: now() });
    return true;
  }

  async function changePassword({ request }: Call): Promise<Response> {
    const { loginId, currentPassword, password } = record(await request.json());
    const user = [...users.values()].find(({ email }) => email === loginId);
    if (user === undefined || user.password !== currentPassword)
      return Response.json({ fieldErrors: { currentPassword: [] } }, { status: 400 });
    if (!user.active) return empty(423);
    Object.assign(user, { password, passwordChangedAt: now() });
    revokeAll(user);
    return empty(200);
  }

  function revoke({ path, query }: Call): Response {
    const family = families.get(path.slice("/api/jwt/refresh/".length));
    const user = users.get(query.get("userId") ?? "");
    if (family === undefined && user === undefined) return empty(404);
    if (family !== undefined) family.isRevoked = true;
    else if (user !== undefined) revokeAll(user);
    return empty(200);
  }

  function retrieveTokens({ path, query }: Call): Response {
    const id = path.slice("/api/jwt/refresh/".length);
    const family = families.get(id);
    if (id !== "")
      return family !== undefined && alive(family) ? Response.json({ refreshToken: { id } }) : empty(404);
    const user = users.get(query.get("userId") ?? "");
    if (user === undefined) return empty(404);
    const refreshTokens = familiesOf(user)
      .filter(alive)
      .map(({ id, startedAt: startInstant }) => ({ id, startInstant }));
    return Response.json({ refreshTokens });
  }

  function retrieveUser({ path }: Call): Response {
    const user = users.get(path.slice("/api/user/".length));
    return user === undefined ? empty(404) : Response.json({ user: shown(user) });
  }

  function deactivate({ path }: Call): Response {
    const user = users.get(path.slice("/api/user/".length));
    if (user === undefined) return empty(404);
    user.active = false;
    revokeAll(user);
    return empty(200);
  }

  const routes: readonly (readonly [RegExp, (call: Call) => Response | Promise<Response>])[] = [
    [/^POST \/api\/login$/, login],
    [/^POST \/oauth2\/token$/, refresh],
    [/^POST \/api\/user\/change-password$/, changePassword],
    [/^GET \/api\/jwt\/refresh/, retrieveTokens],
    [/^DELETE \/api\/jwt\/refresh/, revoke],
    [/^GET \/api\/user\//, retrieveUser],
    [/^DELETE \/api\/user\//, deactivate],
    [/^GET \/\.well-known\/jwks\.json$/, () => Response.json(keySet)],
  ];

  return {
    async fetch(request) {
      const { pathname: path, searchParams: query } = new URL(request.url);
      const route = routes.find(([pattern]) => pattern.test(`${request.method} ${path}`));
      if (route === undefined) throw new Error(`the stand-in knows no ${request.method} ${path}`);
      return route[1]({ request, path, query });
    },
    async people() {
      // Nobody looks back at the people of earlier histories.
      for (const stored of [users, families, accessTokens]) stored.clear();
      return Array.from({ length: 2 }, () => {
        const id = randomUUID();
        const user = { id, email: `${id}@example.com`, password: randomBytes(16).toString("hex") };
        users.set(id, { ...user, passwordChangedAt: now(), active: true });
        return user;
      });
    },
    restart: async () => {},
    close: async () => {},
  };
}

function textOf({ id, generation }: Family): string {
  return `${id}.${generation}`;
}

function shown({ id, email, active, passwordChangedAt }: User): unknown {
  const registrations = applicationIds.map((applicationId) => ({ applicationId, roles: ["customer"] }));
  return { id, email, active, passwordLastUpdateInstant: passwordChangedAt, registrations };
}

function signed(claims: object): string {
  const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const content = `${encoded({ alg: "EdDSA", typ: "JWT", kid })}.${encoded(claims)}`;
  return `${content}.${sign(null, Buffer.from(content), privateKey).toString("base64url")}`;
}

function empty(status: number): Response {
  return new Response(null, { status });
}
