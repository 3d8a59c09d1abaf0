/** The demo's applications at the provider: their client secrets, and token settings that fit the chosen policy. */
import type { IdentityProviderOptions } from "@latchkey/session";
import type { Environment } from "./environment.ts";
import { tokenSettings } from "./lifetimes.ts";

/** How to reach a provider. */
export interface Provider {
  readonly url: string;
  readonly apiKey: string;
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** The provider can't be used as it is; `message` is the line to print. */
export class ProviderSetupError extends Error {
  readonly code = "provider-setup";
  override readonly name = "ProviderSetupError";
}

/**
 * What the session library needs to know of the provider for one application. The provider is asked for the client
 * secret and told the settings that the policy rests on; throws ProviderSetupError if it can't be.
 */
export async function registeredApplication(
  provider: Provider,
  environment: Environment,
  applicationId: string,
): Promise<IdentityProviderOptions> {
  const hardened = environment.policy === "hardened";
  const settings = {
    // The hardened policy renews with client credentials; without them a raw refresh token is then worth nothing.
    loginConfiguration: { generateRefreshTokens: true, allowTokenRefresh: !hardened },
    jwtConfiguration: tokenSettings(environment),
  };
  const application = await patchApplication(provider, applicationId, settings);
  const base = { ...provider, applicationId };
  return hardened ? { ...base, clientSecret: application.oauthConfiguration.clientSecret } : base;
}

async function patchApplication(provider: Provider, id: string, application: unknown) {
  const send = provider.fetch ?? ((request: Request) => fetch(request));
  const url = `${provider.url.replace(/\/+$/, "")}/api/application/${id}`;
  const headers = { authorization: provider.apiKey, "content-type": "application/json" };
  const body = JSON.stringify({ application });
  const response = await send(new Request(url, { method: "PATCH", headers, body })).catch(
    (cause: unknown) => {
      throw new ProviderSetupError(`IDP_URL: ${provider.url} does not answer`, { cause });
    },
  );
  if (response.status !== 200) {
    const hint =
      response.status === 404 ? "apply start/demo.kickstart.json there first" : "check IDP_API_KEY";
    throw new ProviderSetupError(
      `IDP_URL: ${provider.url} answered ${response.status} for application ${id}; ${hint}`,
    );
  }
  const found = (await response.json()) as { application: { oauthConfiguration: { clientSecret: string } } };
  return found.application;
}
