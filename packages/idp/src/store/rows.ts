// From the rows of both stores to the records of the provider: the tables have the same columns in SQLite and in Postgres.

import { REVOCATION_REASONS, type RevocationReason } from "../events.ts";
import { bytes, flag, integer, integerOrNull, type Row, text, textOrNull } from "./columns.ts";
import type {
  ApiKey,
  LoginIds,
  PasswordHash,
  Refreshable,
  RefreshToken,
  Registration,
  Role,
  SigningKey,
  Tenant,
  User,
} from "./records.ts";
import { applicationSettings, tenantSettings } from "./settings.ts";
import type { Delivery } from "./user-event.ts";

/** The tenant of a row. */
export function tenantOf(row: Row): Tenant {
  return {
    id: text(row, "id"),
    name: text(row, "name"),
    isDefault: flag(row, "is_default"),
    settings: JSON.parse(text(row, "settings")),
    version: integer(row, "version"),
    insertInstant: integer(row, "inserted"),
    lastUpdateInstant: integer(row, "updated"),
  };
}

/** The user of a row. */
export function userOf(row: Row): User {
  return {
    id: text(row, "id"),
    tenantId: text(row, "tenant_id"),
    ...loginIdsOf(row),
    active: flag(row, "active"),
    verified: flag(row, "verified"),
    expiry: integerOrNull(row, "expiry"),
    profile: JSON.parse(text(row, "profile")),
    password: passwordOf(row),
    credentialVersion: integer(row, "credential_version"),
    passwordLastUpdateInstant: integerOrNull(row, "password_updated"),
    lastLoginInstant: integerOrNull(row, "last_login"),
    version: integer(row, "version"),
    insertInstant: integer(row, "inserted"),
    lastUpdateInstant: integer(row, "updated"),
  };
}

/** The login ids in a row of a user. */
export function loginIdsOf(row: Row): LoginIds {
  return { email: textOrNull(row, "email"), username: textOrNull(row, "username") };
}

function passwordOf(row: Row): PasswordHash | null {
  const scheme = textOrNull(row, "password_scheme");
  if (scheme === null) return null;
  return {
    scheme,
    hash: text(row, "password_hash"),
    salt: textOrNull(row, "password_salt"),
    factor: integerOrNull(row, "password_factor"),
  };
}

/** The registration of a row. */
export function registrationOf(row: Row): Registration {
  const profile: Pick<Registration, "username" | "timezone" | "preferredLanguages" | "data"> = JSON.parse(
    text(row, "profile"),
  );
  return {
    id: text(row, "id"),
    userId: text(row, "user_id"),
    applicationId: text(row, "application_id"),
    roles: JSON.parse(text(row, "roles")),
    ...profile,
    verified: flag(row, "verified"),
    lastLoginInstant: integerOrNull(row, "last_login"),
    version: integer(row, "version"),
    insertInstant: integer(row, "inserted"),
    lastUpdateInstant: integer(row, "updated"),
  };
}

/** What of a registration is kept as JSON in its column `profile`. */
export function registrationProfile({ username, timezone, preferredLanguages, data }: Registration): string {
  return JSON.stringify({ username, timezone, preferredLanguages, data });
}

/** The refresh token of a row. */
export function tokenOf(row: Row): RefreshToken {
  return {
    id: text(row, "id"),
    tenantId: text(row, "tenant_id"),
    applicationId: text(row, "application_id"),
    userId: text(row, "user_id"),
    secret: bytes(row, "secret"),
    keyId: text(row, "key_id"),
    generation: integer(row, "generation"),
    startInstant: integer(row, "started"),
    rotatedInstant: integer(row, "rotated"),
    expiresInstant: integer(row, "expires"),
    endsInstant: integer(row, "ends"),
    revokedInstant: integerOrNull(row, "revoked"),
    revokedReason: reasonOf(textOrNull(row, "revoked_reason")),
    metaData: JSON.parse(text(row, "meta_data")),
    lastAccessedAddress: textOrNull(row, "accessed_address"),
    lastAccessedInstant: integer(row, "accessed"),
  };
}

/** The columns of `refreshableOf`, of tokens `k` joined with their tenant `t`, application `a`, user `u` and registration `r`. */
export const REFRESHABLE_COLUMNS = `k.id, k.tenant_id, k.application_id, k.user_id, k.secret, k.key_id, k.generation, k.started,
  k.rotated, k.expires, k.ends, k.revoked, k.revoked_reason, k.meta_data, k.accessed_address, k.accessed,
  t.settings AS tenant_settings, a.tenant_id AS application_tenant_id, a.active AS application_active,
  a.settings AS application_settings, a.sealed_secret, u.email, u.username, u.active, u.verified, u.expiry, r.roles`;

/** From where `REFRESHABLE_COLUMNS` are. A token is gone with its tenant, application and user; it stays where a registration goes. */
export const REFRESHABLE_TABLES = `refresh_tokens k JOIN tenants t ON t.id = k.tenant_id
  JOIN applications a ON a.id = k.application_id JOIN users u ON u.id = k.user_id
  LEFT JOIN registrations r ON r.user_id = k.user_id AND r.application_id = k.application_id`;

/** The refresh token of a row, and what it belongs to. */
export function refreshableOf(row: Row, readAt: number): Refreshable {
  const token = tokenOf(row);
  const roles = textOrNull(row, "roles");
  return {
    token,
    readAt,
    tenant: { id: token.tenantId, settings: tenantSettings(text(row, "tenant_settings")) },
    application: {
      id: token.applicationId,
      tenantId: text(row, "application_tenant_id"),
      active: flag(row, "application_active"),
      settings: applicationSettings(text(row, "application_settings")),
      sealedSecret: text(row, "sealed_secret"),
    },
    user: {
      id: token.userId,
      ...loginIdsOf(row),
      active: flag(row, "active"),
      verified: flag(row, "verified"),
      expiry: integerOrNull(row, "expiry"),
    },
    registration: roles === null ? null : { applicationId: token.applicationId, roles: JSON.parse(roles) },
  };
}

/** The columns of a token, in the order in which both stores insert them. */
export function tokenValues(token: RefreshToken): (string | number | Buffer | null)[] {
  return [
    token.id,
    token.tenantId,
    token.applicationId,
    token.userId,
    token.secret,
    token.keyId,
    token.generation,
    token.startInstant,
    token.rotatedInstant,
    token.expiresInstant,
    token.endsInstant,
    token.revokedInstant,
    token.revokedReason,
    JSON.stringify(token.metaData),
    token.lastAccessedAddress,
    token.lastAccessedInstant,
  ];
}

function reasonOf(value: string | null): RevocationReason | null {
  return REVOCATION_REASONS.find((reason) => reason === value) ?? null;
}

/** The claimed row of the outbox. */
export function deliveryOf(row: Row): Delivery {
  return {
    number: integer(row, "number"),
    receiver: text(row, "receiver"),
    event: JSON.parse(text(row, "event")),
    writtenInstant: integer(row, "written"),
    attempts: integer(row, "attempts"),
  };
}

/** The API key of a row. */
export function apiKeyOf(row: Row): ApiKey {
  return {
    id: text(row, "id"),
    hash: text(row, "hash"),
    name: textOrNull(row, "name"),
    keyManager: flag(row, "key_manager"),
    tenantId: textOrNull(row, "tenant_id"),
    permissions: JSON.parse(text(row, "permissions")),
    metaData: JSON.parse(text(row, "meta_data")),
    expirationInstant: integerOrNull(row, "expiration"),
    sample: flag(row, "sample"),
    version: integer(row, "version"),
    insertInstant: integer(row, "inserted"),
    lastUpdateInstant: integer(row, "updated"),
  };
}

/** The signing key of a row. */
export function signingKeyOf(row: Row): SigningKey {
  const algorithm = text(row, "algorithm");
  if (algorithm !== "ES256" && algorithm !== "EdDSA" && algorithm !== "RS256") {
    throw new TypeError("Column algorithm holds an unknown algorithm");
  }
  return {
    kid: text(row, "kid"),
    algorithm,
    publicKey: text(row, "public_key"),
    sealedPrivateKey: text(row, "sealed_private_key"),
    insertInstant: integer(row, "inserted"),
    verifiesUntil: integerOrNull(row, "verifies_until"),
  };
}

/** The role of a row. */
export function roleOf(row: Row): Role {
  return {
    id: text(row, "id"),
    name: text(row, "name"),
    description: textOrNull(row, "description") ?? undefined,
    isDefault: flag(row, "is_default"),
    isSuperRole: flag(row, "is_super"),
  };
}
