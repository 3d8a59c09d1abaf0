// The package brings no types; this much of it is used. See its lib/provider.js, lib/models/ and lib/helpers/defaults.js.
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  export interface Grant {
    addOIDCScope(scope: string): void;
    addResourceScope(resource: string, scope: string): void;
    save(): Promise<string>;
  }

  export interface RefreshToken {
    save(): Promise<string>;
  }

  export class Provider {
    constructor(issuer: string, configuration: object);
    readonly Client: { find(id: string): Promise<object | undefined> };
    readonly Grant: new (of: {
      accountId: string;
      clientId: string;
    }) => Grant;
    readonly RefreshToken: new (
      of: object,
    ) => RefreshToken;
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
  }
}
