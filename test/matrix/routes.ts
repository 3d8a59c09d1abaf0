/**
 * The routes of a running application, asked of its framework, so that a new route is in the matrix without anybody
 * writing it down there.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Express } from "express";

/**
 * Listens for the routes of the next Fastify instance; what it returns stops listening and lists them, "POST /login".
 * Fastify tells of an instance before it has any route (its channel "fastify.initialization").
 */
export function listFastifyRoutes(): () => string[] {
  const found: string[] = [];
  const onInstance = (message: unknown) => {
    const { fastify } = message as { fastify: { addHook(name: "onRoute", hook: Hook): void } };
    fastify.addHook("onRoute", ({ method, url }) => {
      for (const each of [method].flat()) found.push(`${each} ${url}`);
    });
  };
  subscribe("fastify.initialization", onInstance);
  return () => {
    unsubscribe("fastify.initialization", onInstance);
    return found;
  };
}

type Hook = (route: { method: string | string[]; url: string }) => void;

interface Layer {
  readonly name: string;
  readonly route?: { readonly path: unknown; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle: { readonly stack?: readonly Layer[] };
}

/**
 * The routes of an Express application; throws for an unsafe one whose path Express does not tell: inside a router that
 * is mounted somewhere, or a pattern.
 */
export function expressRoutes(app: Express): string[] {
  const { stack } = app.router as unknown as { stack: readonly Layer[] };
  return stack.flatMap((layer) => {
    for (const inner of layer.handle.stack ?? []) refuseUnsafe(inner);
    return layer.route === undefined ? [] : routesOf(layer.route);
  });
}

function routesOf({ path, methods }: NonNullable<Layer["route"]>): string[] {
  return Object.keys(methods).map((method) => {
    if (typeof path !== "string") throw new Error(`The matrix can't read the route ${String(path)}.`);
    return `${method.toUpperCase()} ${path}`;
  });
}

function refuseUnsafe({ route, handle }: Layer): void {
  for (const inner of handle.stack ?? []) refuseUnsafe(inner);
  const unsafe = route === undefined ? [] : routesOf(route).filter((each) => !/^(GET|HEAD) /.test(each));
  if (unsafe.length > 0)
    throw new Error(`Mounted routes are out of the matrix's sight: ${unsafe.join(", ")}`);
}
