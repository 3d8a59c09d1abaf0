// One request on its way through the provider: what was asked, by whom, and for which tenant.
// Built by routes.ts after the caller is known; an endpoint gets nothing else.

import { fieldRefusal, RequestRefusedError } from "./errors.ts";
import type { Provider } from "./provider.ts";
import { forwardedAddress, type Query, uuidOf } from "./request.ts";
import type { ApiKey } from "./store/records.ts";
import type { EventInfo } from "./store/user-event.ts";

/** One request. */
export interface Call {
  readonly provider: Provider;
  readonly request: Request;
  readonly query: Query;
  /** Parts of the path, e.g. `userId`; see `pathId`. */
  readonly path: Readonly<Record<string, string | undefined>>;
  /** The caller's key, checked; null where the route needs none and none was sent. */
  readonly apiKey: ApiKey | null;
  /** Only this tenant may be seen or changed: the key's, or the one the caller named. Null: all. */
  readonly tenantLimit: string | null;
  /** The end user's address as far as known. */
  readonly address: string | null;
}

/** Answers one method of one path. */
export type Endpoint = (call: Call) => Promise<Response>;

/** An id in the path, lower-cased; null if the path ends before it. A 400 if it is no UUID. */
export function pathId({ path }: Call, name: string): string | null {
  const value = path[name];
  if (value === undefined || value === "") return null;
  const id = uuidOf(value);
  if (id === null) throw fieldRefusal("couldNotConvert", name);
  return id;
}

/** An id in the path that must be there. A 400 if it is missing or no UUID. */
export function requiredPathId(call: Call, name: string): string {
  const id = pathId(call, name);
  if (id === null) throw fieldRefusal("missing", name);
  return id;
}

/** The object, if the caller may see its tenant; else null, as if it did not exist. */
export function visible<T extends { tenantId: string }>({ tenantLimit }: Call, object: T | null): T | null {
  return object !== null && (tenantLimit === null || tenantLimit === object.tenantId) ? object : null;
}

/** The object, if the caller may see its tenant; a 404 otherwise, as if it did not exist. */
export function found<T extends { tenantId: string }>(call: Call, object: T | null): T {
  const seen = visible(call, object);
  if (seen === null) throw new RequestRefusedError(404);
  return seen;
}

/** From where this call was made: of a caller with an API key, what it says of the end user; its own address is nobody's device. */
export function infoOf({ apiKey, address, request }: Call): EventInfo {
  const ipAddress = apiKey === null ? address : forwardedAddress(request);
  return ipAddress === null ? {} : { ipAddress };
}
