// The table of contents: a line a route – method, path, who may call, what answers. Below it, how a request finds its line.
// A route without a word on access can't be written. "?" marks a last part of the path that may be missing.

import { Hono } from "hono";
import { empty, failed } from "./answer.ts";
import type { Call, Endpoint } from "./call.ts";
import { type Access, authenticate, type Operation, tenantLimitOf } from "./caller.ts";
import {
  createApiKey,
  deleteApiKey,
  patchApiKey,
  retrieveApiKey,
  updateApiKey,
} from "./endpoints/api-keys.ts";
import {
  createApplication,
  createRole,
  deleteApplication,
  patchApplication,
  retrieveApplications,
  updateApplication,
} from "./endpoints/applications.ts";
import { changePassword, checkChangePasswordId } from "./endpoints/change-password.ts";
import { importUsers } from "./endpoints/import-users.ts";
import { discovery, jwks, publicKey } from "./endpoints/keys-and-discovery.ts";
import { login } from "./endpoints/login.ts";
import { logout } from "./endpoints/logout.ts";
import { refreshJwt } from "./endpoints/refresh-jwt.ts";
import {
  deleteRegistration,
  patchRegistration,
  register,
  retrieveRegistration,
  updateRegistration,
} from "./endpoints/registrations.ts";
import { retrieveRefreshToken, retrieveRefreshTokens } from "./endpoints/retrieve-refresh-tokens.ts";
import { revokeRefreshTokens } from "./endpoints/revoke-refresh-tokens.ts";
import { health, status, version } from "./endpoints/status.ts";
import {
  createTenant,
  deleteTenant,
  passwordValidationRules,
  patchTenant,
  retrieveTenants,
  updateTenant,
} from "./endpoints/tenants.ts";
import { token } from "./endpoints/token.ts";
import { createUser, deleteUser, patchUser, retrieveUser, updateUser } from "./endpoints/users.ts";
import { validateJwt } from "./endpoints/validate-jwt.ts";
import {
  createWebhook,
  deleteWebhook,
  patchWebhook,
  retrieveWebhooks,
  updateWebhook,
} from "./endpoints/webhooks.ts";
import { isHeard } from "./events.ts";
import type { Provider } from "./provider.ts";
import { forwardedAddress, readQuery } from "./request.ts";
import type { ApiKey } from "./store/records.ts";

/** One line of the table. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly access: Access;
  /** What API keys' permissions name: `/api/application/:applicationId/role/:roleId?` is `/api/application/role`. */
  readonly operation: Operation;
  readonly endpoint: Endpoint;
}

/** Every route of the provider. */
export const routes: readonly Route[] = [
  route("POST", "/api/login", "optional api key", login),
  route("POST", "/api/logout", "anyone", logout),
  route("POST", "/oauth2/token", "anyone", token),

  route("POST", "/api/jwt/refresh", "anyone", refreshJwt),
  route("GET", "/api/jwt/refresh", "api key", retrieveRefreshTokens),
  route("GET", "/api/jwt/refresh/:tokenId", "api key", retrieveRefreshToken),
  route("DELETE", "/api/jwt/refresh/:tokenId?", "optional api key", revokeRefreshTokens),
  route("GET", "/api/jwt/validate", "anyone", validateJwt),
  route("GET", "/api/jwt/public-key", "anyone", publicKey),
  route("GET", "/.well-known/jwks.json", "anyone", jwks),
  route("GET", "/.well-known/openid-configuration", "anyone", discovery),
  route("GET", "/:tenantId/.well-known/jwks.json", "anyone", jwks),
  route("GET", "/:tenantId/.well-known/openid-configuration", "anyone", discovery),

  route("POST", "/api/user/import", "api key", importUsers),
  route("POST", "/api/user/registration/:userId?", "api key", register),
  route("PUT", "/api/user/registration/:userId/:applicationId?", "api key", updateRegistration),
  route("PATCH", "/api/user/registration/:userId/:applicationId?", "api key", patchRegistration),
  route("GET", "/api/user/registration/:userId/:applicationId", "api key", retrieveRegistration),
  route("DELETE", "/api/user/registration/:userId/:applicationId", "api key", deleteRegistration),
  route("POST", "/api/user/change-password/:changePasswordId?", "optional api key", changePassword),
  route("GET", "/api/user/change-password/:changePasswordId", "anyone", checkChangePasswordId),
  route("POST", "/api/user/:userId?", "api key", createUser),
  route("GET", "/api/user/:userId?", "optional api key", retrieveUser),
  route("PUT", "/api/user/:userId", "api key", updateUser),
  route("PATCH", "/api/user/:userId", "api key", patchUser),
  route("DELETE", "/api/user/:userId", "api key", deleteUser),

  route("POST", "/api/application/:applicationId?", "api key", createApplication),
  route("GET", "/api/application/:applicationId?", "api key", retrieveApplications),
  route("PUT", "/api/application/:applicationId", "api key", updateApplication),
  route("PATCH", "/api/application/:applicationId", "api key", patchApplication),
  route("DELETE", "/api/application/:applicationId", "api key", deleteApplication),
  route("POST", "/api/application/:applicationId/role/:roleId?", "api key", createRole),

  route("GET", "/api/tenant/password-validation-rules/:tenantId?", "anyone", passwordValidationRules),
  route("POST", "/api/tenant/:tenantId?", "api key", createTenant),
  route("GET", "/api/tenant/:tenantId?", "api key", retrieveTenants),
  route("PUT", "/api/tenant/:tenantId", "api key", updateTenant),
  route("PATCH", "/api/tenant/:tenantId", "api key", patchTenant),
  route("DELETE", "/api/tenant/:tenantId", "api key", deleteTenant),

  route("POST", "/api/api-key/:keyId?", "key manager", createApiKey),
  route("GET", "/api/api-key/:keyId", "key manager", retrieveApiKey),
  route("PUT", "/api/api-key/:keyId", "key manager", updateApiKey),
  route("PATCH", "/api/api-key/:keyId", "key manager", patchApiKey),
  route("DELETE", "/api/api-key/:keyId", "key manager", deleteApiKey),

  route("POST", "/api/webhook/:webhookId?", "api key", createWebhook),
  route("GET", "/api/webhook/:webhookId?", "api key", retrieveWebhooks),
  route("PUT", "/api/webhook/:webhookId", "api key", updateWebhook),
  route("PATCH", "/api/webhook/:webhookId", "api key", patchWebhook),
  route("DELETE", "/api/webhook/:webhookId", "api key", deleteWebhook),

  route("GET", "/api/health", "anyone", health),
  route("GET", "/api/status", "optional api key", status),
  route("GET", "/api/system/version", "api key", version),
];

function route(method: string, path: string, access: Access, endpoint: Endpoint): Route {
  const operation = { path: path.replaceAll(/\/:[^/]+/g, ""), method };
  return { method, path, access, operation, endpoint };
}

/** What the transport knows and the request does not say. */
export interface Transport {
  /** The other end's address. */
  address?: string | undefined;
}

/**
 * Answers every request by the table; 404 for a path that is not in it, 405 for a method that the path does not have. With `operator`
 * every request counts as sent with that key, which need not be stored anywhere: for who has the database itself, never for a router
 * that anything listens to.
 */
export function createRouter(
  provider: Provider,
  operator: ApiKey | null = null,
): (request: Request, transport: Transport) => Promise<Response> {
  const app = new Hono<{ Bindings: Answering }>({ getPath: pathOf });
  for (const [path, lines] of byPath()) {
    for (const line of lines) {
      app.on(line.method, path, ({ req, env }) => {
        env.route = line.path;
        return answer(provider, line, req.raw, env, req.param(), operator);
      });
    }
    const allow = lines.map(({ method }) => method).join(", ");
    app.all(path, () => empty(405, { allow }));
  }
  app.notFound(() => empty(404));
  app.onError((error, { req }) => failed(error, pathOf(req.raw), provider.publish));
  const fixed = fixedLines();
  const dispatch = (request: Request, answering: Answering): Response | Promise<Response> => {
    const line = fixed.get(`${request.method} ${pathOf(request)}`);
    if (line === undefined) return app.fetch(request, answering);
    answering.route = line.path;
    return answer(provider, line, request, answering, {}, operator);
  };
  return async (request, transport) => {
    const answering: Answering = { ...transport };
    if (!isHeard()) return dispatch(request, answering);
    const { now } = provider.config;
    const began = now();
    const response = await dispatch(request, answering);
    const { route = null } = answering;
    const { method } = request;
    const milliseconds = now() - began;
    provider.publish({ type: "request-answered", route, method, status: response.status, milliseconds });
    return response;
  };
}

/** A request on its way: the router says which line it came to. */
interface Answering extends Transport {
  route?: string;
}

async function answer(
  provider: Provider,
  { access, operation, path, endpoint }: Route,
  arrived: Request,
  transport: Transport,
  parameters: Call["path"],
  operator: ApiKey | null,
): Promise<Response> {
  try {
    const { request, address: client } = provider.config.receive(arrived, transport.address);
    const apiKey = operator ?? (await authenticate(provider, request, access, operation));
    const address = addressOf(request, client, apiKey !== null);
    const tenantLimit = tenantLimitOf(request, apiKey);
    const query = readQuery(searchOf(request));
    return await endpoint({ provider, request, query, path: parameters, apiKey, tenantLimit, address });
  } catch (error) {
    return failed(error, path, provider.publish);
  }
}

// Two rules, one after the other. trusted-proxies.ts has taken off the header what our own proxies added and told who the client is:
// the connection's other end, or whom they saw. What is left in the header the client said himself. Clients that hold an API key
// are applications and say for whom they call; of anyone else it is hearsay.
function addressOf(request: Request, client: string | null, believed: boolean): string | null {
  const said = request.headers.get("x-forwarded-for") ?? "";
  return believed && said !== "" ? forwardedAddress(request) : client;
}

// FusionAuth's client writes "//api/login" for a host with a slash at its end, and "/api/user/" for an empty id. One spelling is
// made here and nowhere else, before anything is decided by the path (GHSA-x732-6j76-qmhm).
function pathOf({ url }: Request): string {
  const path = pathnameOf(url).replaceAll(/\/{2,}/g, "/");
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

// As URL has them, without making one: a request's url has been made by it, so that dots, spaces and the like are resolved already.
function pathnameOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.slice(start).search(/[?#]/);
  return end === -1 ? url.slice(start) : url.slice(start, start + end);
}

function searchOf({ url }: Request): string {
  const [withoutFragment = ""] = url.split("#", 1);
  const start = withoutFragment.indexOf("?");
  return start === -1 ? "" : withoutFragment.slice(start);
}

function byPath(): Map<string, Route[]> {
  const paths = new Map<string, Route[]>();
  for (const line of routes) {
    for (const path of spellings(line.path)) paths.set(path, [...(paths.get(path) ?? []), line]);
  }
  return paths;
}

// Lines whose path is a text that no other line's pattern fits: they need no search. By far the most requests are for two of them.
function fixedLines(): Map<string, Route> {
  const patterns = routes
    .flatMap(({ path }) => spellings(path))
    .filter((path) => path.includes(":"))
    .map((path) => new RegExp(`^${path.replaceAll(/:[^/]+/g, "[^/]+")}$`));
  const alone = routes.filter(
    ({ path }) => !path.includes(":") && !patterns.some((pattern) => pattern.test(path)),
  );
  return new Map(alone.map((line) => [`${line.method} ${line.path}`, line]));
}

function spellings(path: string): string[] {
  const [, shorter, parameter] = /^(.*)\/(:[^/]+)\?$/.exec(path) ?? [];
  return shorter === undefined || parameter === undefined ? [path] : [shorter, `${shorter}/${parameter}`];
}
