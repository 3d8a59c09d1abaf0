// An application on the wire: what a caller may send and what a caller gets. The client secret is shown, because FusionAuth's
// callers read it there; every route that shows it demands an API key.

import * as z from "zod";
import { clientSecretOf } from "./client-secret.ts";
import { jwtConfiguration } from "./jwt-configuration.ts";
import type { Provider } from "./provider.ts";
import type { Application, ApplicationSettings, Role } from "./store/records.ts";
import { effectiveConfiguration } from "./token-policy.ts";
import { data, line, requiredLine, uuid } from "./validation.ts";

type OAuthConfiguration = Exclude<ApplicationSettings["oauthConfiguration"], undefined>;

/** What a caller may say of an application. */
export interface ApplicationInput extends ApplicationSettings {
  name: string;
  roles?: RoleInput[] | undefined;
  oauthConfiguration?: (OAuthConfiguration & { clientSecret?: string | undefined }) | undefined;
}

/** What a caller may say of a role. */
export interface RoleInput {
  id?: string | undefined;
  name: string;
  description?: string | undefined;
  isDefault?: boolean | undefined;
  isSuperRole?: boolean | undefined;
}

/** The `role` of a request body. */
export const roleInput: z.ZodType<RoleInput> = z.object({
  id: uuid.optional(),
  name: requiredLine(191),
  description: line(255).optional(),
  isDefault: z.boolean().optional(),
  isSuperRole: z.boolean().optional(),
});

const urls = z.array(line(2_000)).max(50);

/** The `application` of a request body. */
export const applicationInput: z.ZodType<ApplicationInput> = z.object({
  name: requiredLine(191),
  roles: z.array(roleInput).max(100).optional(),
  loginConfiguration: z
    .object({
      allowTokenRefresh: z.boolean().optional(),
      generateRefreshTokens: z.boolean().optional(),
      requireAuthentication: z.boolean().optional(),
    })
    .optional(),
  jwtConfiguration: jwtConfiguration.optional(),
  oauthConfiguration: z
    .object({
      clientSecret: line(191).pipe(z.string().min(16, "[tooShort]")).optional(),
      enabledGrants: z.array(requiredLine(64)).max(20).optional(),
      clientAuthenticationPolicy: z.enum(["Required", "NotRequired", "NotRequiredWhenUsingPKCE"]).optional(),
      generateRefreshTokens: z.boolean().optional(),
      authorizedRedirectURLs: urls.optional(),
      authorizedOriginURLs: urls.optional(),
      logoutURL: line(2_000).optional(),
    })
    .optional(),
  data: data.optional(),
});

/** The settings an input decides: without name, roles and client secret, which are kept elsewhere. */
export function settingsFrom(input: ApplicationInput): ApplicationSettings {
  const { loginConfiguration, jwtConfiguration, oauthConfiguration, data } = input;
  if (oauthConfiguration === undefined) return { loginConfiguration, jwtConfiguration, data };
  const { clientSecret: _, ...kept } = oauthConfiguration;
  return { loginConfiguration, jwtConfiguration, oauthConfiguration: kept, data };
}

/** The application as a body that would leave it unchanged: what a PATCH is applied to. Roles have routes of their own. */
export function applicationAsInput({ name, settings }: Application): ApplicationInput {
  return { name, ...settings };
}

/** The grants a client may use; without a setting, only the one that exists here. */
export function enabledGrants({ settings }: Pick<Application, "settings">): readonly string[] {
  return settings.oauthConfiguration?.enabledGrants ?? ["refresh_token"];
}

/** A role as it is kept. */
export function roleFrom(input: RoleInput, id: string): Role {
  const { name, description, isDefault, isSuperRole } = input;
  return {
    id: input.id ?? id,
    name,
    description,
    isDefault: isDefault ?? false,
    isSuperRole: isSuperRole ?? false,
  };
}

/** The application as callers with an API key see it (fusionauth.io/docs/apis/applications). */
export function applicationWire({ sealing }: Provider, application: Application): Record<string, unknown> {
  const { settings } = application;
  const jwt = settings.jwtConfiguration;
  return {
    id: application.id,
    tenantId: application.tenantId,
    name: application.name,
    active: application.active,
    state: application.active ? "Active" : "Inactive",
    roles: application.roles,
    loginConfiguration: {
      allowTokenRefresh: settings.loginConfiguration?.allowTokenRefresh ?? false,
      generateRefreshTokens: settings.loginConfiguration?.generateRefreshTokens ?? false,
      requireAuthentication: settings.loginConfiguration?.requireAuthentication ?? true,
    },
    jwtConfiguration:
      jwt?.enabled === true ? { enabled: true, ...effectiveConfiguration({}, jwt) } : { enabled: false },
    oauthConfiguration: {
      clientAuthenticationPolicy: "Required",
      generateRefreshTokens: true,
      authorizedRedirectURLs: [],
      authorizedOriginURLs: [],
      ...settings.oauthConfiguration,
      enabledGrants: enabledGrants(application),
      clientId: application.id,
      clientSecret: clientSecretOf(sealing, application),
    },
    data: settings.data ?? {},
    insertInstant: application.insertInstant,
    lastUpdateInstant: application.lastUpdateInstant,
  };
}
