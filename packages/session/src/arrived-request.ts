/** A request that has been looked at: what policies and answers need of it, each worked out when it is first asked for. */
import type { Asking } from "./answer.ts";
import type { PresentedCookies } from "./cookies.ts";
import { deviceName } from "./device.ts";
import type { Visit } from "./policy.ts";
import type { IncomingRequest } from "./receive.ts";
import type { Settings } from "./settings.ts";
import type { Device } from "./store/store.ts";

/** One request; its target has been checked. */
export class ArrivedRequest implements Visit, Asking {
  readonly presented: PresentedCookies;
  readonly arrivedAt: number;
  readonly #request: IncomingRequest;
  readonly #origin: string;
  #device: Device | null = null;
  #url: URL | null = null;

  /** A request with these cookies. */
  constructor({ origin, now }: Settings, request: IncomingRequest, presented: PresentedCookies) {
    this.presented = presented;
    this.arrivedAt = request.arrivedAt ?? now();
    this.#request = request;
    this.#origin = origin;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): URL {
    return (this.#url ??= new URL(this.#request.target, this.#origin));
  }

  get device(): Device {
    return (this.#device ??= deviceOf(this.#request));
  }

  /** A header by its lower-case name. */
  header(name: string): string | undefined {
    return this.#request.header(name);
  }
}

function deviceOf(request: IncomingRequest): Device {
  const name = deviceName(request.header("user-agent"));
  return request.address === undefined ? { name } : { name, address: request.address };
}
