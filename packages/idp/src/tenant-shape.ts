// A tenant on the wire: what a caller may send and what a caller gets, with every setting that is enforced and its default.

import * as z from "zod";
import { jwtConfiguration } from "./jwt-configuration.ts";
import { lockoutOf } from "./lockout.ts";
import { passwordRules } from "./password-rules.ts";
import { issuerOf, type Provider } from "./provider.ts";
import type {
  FailedAuthenticationConfiguration,
  PasswordValidationRules,
  Tenant,
  TenantSettings,
} from "./store/records.ts";
import { effectiveConfiguration } from "./token-policy.ts";
import { data, requiredLine, uuid } from "./validation.ts";

/** What a caller may say of a tenant. */
export interface TenantInput extends TenantSettings {
  name: string;
}

const passwordValidationRules = z
  .object({
    // NIST SP 800-63B-4 §3.1.1.2: no password may have fewer.
    minLength: z.int().min(8).max(1_024).optional(),
    // ASVS 6.2.9: 64 characters must be possible.
    maxLength: z.int().min(64).max(1_024).optional(),
    requireMixedCase: z.boolean().optional(),
    requireNonAlpha: z.boolean().optional(),
    requireNumber: z.boolean().optional(),
  })
  .refine(minimumFitsMaximum, { path: ["minLength"], error: "[invalid]" });

// As many as FusionAuth's fields hold; a lockout of no attempts would lock everybody out.
const positive = z.int().min(1).max(1_000_000);

const failedAuthenticationConfiguration: z.ZodType<FailedAuthenticationConfiguration> = z.object({
  tooManyAttempts: positive.optional(),
  resetCountInSeconds: positive.optional(),
  actionDuration: z.int().min(1).max(10_000).optional(),
  actionDurationUnit: z.enum(["MINUTES", "HOURS", "DAYS", "WEEKS", "MONTHS", "YEARS"]).optional(),
  userActionId: uuid.optional(),
  actionCancelPolicy: z.object({ onPasswordReset: z.boolean().optional() }).optional(),
});

/** The `tenant` of a request body. */
export const tenantInput: z.ZodType<TenantInput> = z.object({
  name: requiredLine(191),
  issuer: requiredLine(191).optional(),
  jwtConfiguration: jwtConfiguration.optional(),
  passwordValidationRules: passwordValidationRules.optional(),
  loginConfiguration: z.object({ requireAuthentication: z.boolean().optional() }).optional(),
  failedAuthenticationConfiguration: failedAuthenticationConfiguration.optional(),
  data: data.optional(),
});

/** The tenant as callers see it (fusionauth.io/docs/apis/tenants). */
export function tenantWire(provider: Provider, tenant: Tenant): Record<string, unknown> {
  const { settings } = tenant;
  return {
    id: tenant.id,
    name: tenant.name,
    issuer: issuerOf(provider, tenant),
    state: "Active",
    jwtConfiguration: { enabled: true, ...effectiveConfiguration(settings.jwtConfiguration ?? {}, {}) },
    passwordValidationRules: passwordRules(tenant),
    loginConfiguration: { requireAuthentication: settings.loginConfiguration?.requireAuthentication ?? true },
    failedAuthenticationConfiguration: lockoutOf(tenant),
    data: settings.data ?? {},
    insertInstant: tenant.insertInstant,
    lastUpdateInstant: tenant.lastUpdateInstant,
  };
}

function minimumFitsMaximum({ minLength, maxLength }: PasswordValidationRules): boolean {
  return (minLength ?? 8) <= (maxLength ?? 256);
}
