/**
 * The provider as one application sees it: what the session library needs to know of it, and what has to be set up there
 * before the application can use it. An application that its operator has set up, and whose client secret is configured,
 * changes nothing there and needs no API key that may.
 */
import type { IdentityProviderOptions } from "@latchkey/session";
import type { Environment } from "./environment.ts";
import { SetUpError } from "./errors.ts";
import { tokenSettings } from "./lifetimes.ts";
import { registerWebhook } from "./webhooks.ts";

/** How to reach a provider. */
export interface Provider {
  readonly url: string;
  readonly apiKey: string;
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** One application at the provider. */
export interface RegisteredApplication {
  readonly name: string;
  /** Its id at the provider. */
  readonly id: string;
  /** Its client secret, where an operator has set the application up; `null` to ask the provider for it. */
  readonly clientSecret: string | null;
  /** Where it wants to hear of endings; `null` where the provider can't reach it. */
  readonly webhook: { readonly id: string; readonly url: string } | null;
}

/** An application's way to its provider. */
export interface ProviderConnection {
  /** For `createSessions`. Until the set-up has succeeded every call fails, as if the provider were down. */
  readonly options: IdentityProviderOptions;
  /**
   * Sets the application up, or says anew what it needs, once; until it has succeeded, repeating it does no harm. Throws SetUpError if
   * the provider can't be reached or won't have it.
   */
  setUp(): Promise<void>;
}

/** Connects an application; nothing is asked of the provider yet. */
export function connect(
  provider: Provider,
  environment: Environment,
  application: RegisteredApplication,
): ProviderConnection {
  const { id: applicationId, clientSecret } = application;
  const isHardened = environment.policy === "hardened";
  const send = provider.fetch ?? ((request: Request) => fetch(request));
  let known = clientSecret;

  const sendOnceSetUp = async (request: Request) => {
    if (known === null) throw new SetUpError(`${application.name} is not set up at the provider yet`);
    // The library was made before the secret was known.
    if (request.headers.get("authorization") === basic(applicationId, unknownYet))
      request.headers.set("authorization", basic(applicationId, known));
    return send(request);
  };
  return {
    options: {
      url: provider.url,
      apiKey: provider.apiKey,
      applicationId,
      // The hardened policy renews with client credentials; without them a raw refresh token is then worth nothing.
      ...(isHardened && { clientSecret: clientSecret ?? unknownYet }),
      fetch: sendOnceSetUp,
    },
    async setUp() {
      if (known !== null) return;
      const secret = await tellSettings(provider, environment, applicationId);
      if (application.webhook !== null)
        await registerWebhook(provider, application.name, application.webhook);
      known = secret;
    },
  };
}

const unknownYet = "the client secret is not known yet";

function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")}`;
}

/** Tells the provider the settings that the policy rests on; answers the application's client secret. */
async function tellSettings(provider: Provider, environment: Environment, id: string): Promise<string> {
  const application = {
    loginConfiguration: { generateRefreshTokens: true, allowTokenRefresh: environment.policy !== "hardened" },
    jwtConfiguration: tokenSettings(environment),
  };
  const response = await ask(provider, "PATCH", `/api/application/${id}`, { application });
  if (response.status !== 200) {
    const hint =
      response.status === 404 ? "apply start/demo.kickstart.json there first" : "check IDP_API_KEY";
    throw new SetUpError(
      `IDP_URL: ${provider.url} answered ${response.status} for application ${id}; ${hint}`,
    );
  }
  const found = (await response.json()) as { application: { oauthConfiguration: { clientSecret: string } } };
  return found.application.oauthConfiguration.clientSecret;
}

/** How long the provider has for an answer, in milliseconds. */
const patience = 5_000;

/** One call with the API key; throws SetUpError if there is no answer. */
export async function ask(
  provider: Provider,
  method: string,
  path: string,
  json: unknown,
): Promise<Response> {
  const send = provider.fetch ?? ((request: Request) => fetch(request));
  const headers = { authorization: provider.apiKey, "content-type": "application/json" };
  const signal = AbortSignal.timeout(patience);
  const request = new Request(`${provider.url}${path}`, {
    method,
    headers,
    body: JSON.stringify(json),
    redirect: "manual",
    signal,
  });
  return send(request).catch((cause: unknown) => {
    throw new SetUpError(`IDP_URL: ${provider.url} does not answer`, { cause });
  });
}
