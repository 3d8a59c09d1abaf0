// What the store keeps, as the provider sees it. Instants are epoch milliseconds, ids lower-case UUIDs.
// Nothing here knows SQL or HTTP.

import type { RevocationReason } from "../events.ts";

/** Free-form members an API caller may keep on an object (`data`). */
export type Data = Record<string, unknown>;

/** FusionAuth's `jwtConfiguration`: of a tenant, or of an application where `enabled` makes it override the tenant's. */
export interface JwtConfiguration {
  enabled?: boolean | undefined;
  timeToLiveInSeconds?: number | undefined;
  /** Fractions are allowed (0.05 = 3 s), unlike in FusionAuth, so that a demonstration can use seconds. */
  refreshTokenTimeToLiveInMinutes?: number | undefined;
  refreshTokenExpirationPolicy?: "Fixed" | "SlidingWindow" | "SlidingWindowWithMaximumLifetime" | undefined;
  refreshTokenSlidingWindowConfiguration?: { maximumTimeToLiveInMinutes?: number | undefined } | undefined;
  refreshTokenUsagePolicy?: "Reusable" | "OneTimeUse" | undefined;
  refreshTokenOneTimeUseConfiguration?: { gracePeriodInSeconds?: number | undefined } | undefined;
  refreshTokenRevocationPolicy?:
    | {
        onLoginPrevented?: boolean | undefined;
        onPasswordChanged?: boolean | undefined;
        onMultiFactorEnable?: boolean | undefined;
        onOneTimeTokenReuse?: boolean | undefined;
      }
    | undefined;
}

/** FusionAuth's `passwordValidationRules`, as far as they are enforced. */
export interface PasswordValidationRules {
  minLength?: number | undefined;
  maxLength?: number | undefined;
  requireMixedCase?: boolean | undefined;
  requireNonAlpha?: boolean | undefined;
  requireNumber?: boolean | undefined;
}

/** FusionAuth's `failedAuthenticationConfiguration`, as far as it is enforced. */
export interface FailedAuthenticationConfiguration {
  tooManyAttempts?: number | undefined;
  resetCountInSeconds?: number | undefined;
  actionDuration?: number | undefined;
  actionDurationUnit?: "MINUTES" | "HOURS" | "DAYS" | "WEEKS" | "MONTHS" | "YEARS" | undefined;
  userActionId?: string | undefined;
  actionCancelPolicy?: { onPasswordReset?: boolean | undefined } | undefined;
}

/** The documented settings of a tenant that are kept as given; defaults are filled in when they are read. */
export interface TenantSettings {
  issuer?: string | undefined;
  jwtConfiguration?: JwtConfiguration | undefined;
  passwordValidationRules?: PasswordValidationRules | undefined;
  loginConfiguration?: { requireAuthentication?: boolean | undefined } | undefined;
  failedAuthenticationConfiguration?: FailedAuthenticationConfiguration | undefined;
  data?: Data | undefined;
}

/** A tenant: users, applications and tokens of one never meet those of another. */
export interface Tenant {
  id: string;
  name: string;
  /** Made with the database; one at most. */
  isDefault: boolean;
  settings: TenantSettings;
  /** Goes up with every update; an update names the version it read. */
  version: number;
  insertInstant: number;
  lastUpdateInstant: number;
}

/** The documented settings of an application that are kept as given. */
export interface ApplicationSettings {
  loginConfiguration?:
    | {
        allowTokenRefresh?: boolean | undefined;
        generateRefreshTokens?: boolean | undefined;
        requireAuthentication?: boolean | undefined;
      }
    | undefined;
  jwtConfiguration?: JwtConfiguration | undefined;
  oauthConfiguration?:
    | {
        enabledGrants?: string[] | undefined;
        clientAuthenticationPolicy?: "Required" | "NotRequired" | "NotRequiredWhenUsingPKCE" | undefined;
        generateRefreshTokens?: boolean | undefined;
        authorizedRedirectURLs?: string[] | undefined;
        authorizedOriginURLs?: string[] | undefined;
        logoutURL?: string | undefined;
      }
    | undefined;
  data?: Data | undefined;
}

/** A role an application offers. */
export interface Role {
  id: string;
  name: string;
  description?: string | undefined;
  /** Given to whoever registers without naming roles. */
  isDefault: boolean;
  isSuperRole: boolean;
}

/** An application, which is also an OAuth client: its id is the client id. */
export interface Application {
  id: string;
  tenantId: string;
  name: string;
  active: boolean;
  settings: ApplicationSettings;
  /** Sealed; see sealing.ts. */
  sealedSecret: string;
  roles: Role[];
  version: number;
  insertInstant: number;
  lastUpdateInstant: number;
}

/** An application as far as its refreshes need it. */
export type Client = Pick<Application, "id" | "tenantId" | "active" | "settings" | "sealedSecret">;

/** A password as it is kept. */
export interface PasswordHash {
  /** "argon2id" or the name of a FusionAuth scheme. */
  scheme: string;
  hash: string;
  /** Base64; null where the hash carries its own. */
  salt: string | null;
  factor: number | null;
}

/** What a user says of himself; kept as given. */
export interface Profile {
  firstName?: string | undefined;
  middleName?: string | undefined;
  lastName?: string | undefined;
  fullName?: string | undefined;
  birthDate?: string | undefined;
  imageUrl?: string | undefined;
  mobilePhone?: string | undefined;
  preferredLanguages?: string[] | undefined;
  timezone?: string | undefined;
  data?: Data | undefined;
}

/** By what a user signs in. */
export interface LoginIds {
  /** Lower-case; unique in the tenant. */
  email: string | null;
  /** As given; unique in the tenant whatever its case. */
  username: string | null;
}

/** A user of one tenant. */
export interface User extends LoginIds {
  id: string;
  tenantId: string;
  active: boolean;
  /** The e-mail address is known to be the user's. */
  verified: boolean;
  expiry: number | null;
  profile: Profile;
  password: PasswordHash | null;
  /** Goes up with every change of the password; a sign-in that started before the change is not completed. */
  credentialVersion: number;
  passwordLastUpdateInstant: number | null;
  lastLoginInstant: number | null;
  version: number;
  insertInstant: number;
  lastUpdateInstant: number;
}

/** That a user may use an application, and as what. */
export interface Registration {
  id: string;
  userId: string;
  applicationId: string;
  roles: string[];
  username?: string | undefined;
  timezone?: string | undefined;
  preferredLanguages?: string[] | undefined;
  data?: Data | undefined;
  verified: boolean;
  lastLoginInstant: number | null;
  version: number;
  insertInstant: number;
  lastUpdateInstant: number;
}

/** FusionAuth's `metaData` of a refresh token. */
export interface TokenMetaData {
  device?:
    | { name?: string | undefined; description?: string | undefined; type?: string | undefined }
    | undefined;
  data?: Data | undefined;
  scopes?: string[] | undefined;
}

/** One family of refresh tokens: one row and one integer stand for every generation ever issued (D6). */
export interface RefreshToken {
  /** FusionAuth's `refreshTokenId`, constant over rotation: the `sid` of the access tokens. */
  id: string;
  tenantId: string;
  applicationId: string;
  userId: string;
  /** 32 random bytes that enter the MAC, so that the configured key alone forges nothing. */
  secret: Buffer;
  /** The configured key the current generation is MACed with. */
  keyId: string;
  generation: number;
  /** When the user proved who he is: `auth_time`. */
  startInstant: number;
  /** When the current generation came into being; the grace counts from it. */
  rotatedInstant: number;
  /** The token is dead from then on; moves with a sliding window. */
  expiresInstant: number;
  /** The row may be forgotten from then on; never before the token is dead. */
  endsInstant: number;
  revokedInstant: number | null;
  revokedReason: RevocationReason | null;
  metaData: TokenMetaData;
  lastAccessedAddress: string | null;
  lastAccessedInstant: number;
}

/** A refresh token with everything that decides on its exchange, read in one step. */
export interface Refreshable {
  token: RefreshToken;
  /** The store's clock when it was read. */
  readAt: number;
  tenant: Pick<Tenant, "id" | "settings">;
  application: Client;
  user: Pick<User, "id" | "email" | "username" | "active" | "verified" | "expiry">;
  /** Null: the user may not use the application any more. */
  registration: Pick<Registration, "applicationId" | "roles"> | null;
}

/** A caller's key. Its value is not kept, only its SHA-256. */
export interface ApiKey {
  id: string;
  name: string | null;
  /** SHA-256 of the key, base64url. */
  hash: string;
  keyManager: boolean;
  /** Null: all tenants. */
  tenantId: string | null;
  permissions: { endpoints?: Record<string, string[]> | undefined };
  metaData: { attributes?: Record<string, string> | undefined };
  expirationInstant: number | null;
  /** Known to everybody because it stands in a sample; production refuses to start with it. */
  sample: boolean;
  version: number;
  insertInstant: number;
  lastUpdateInstant: number;
}

/** A key pair of the provider. */
export interface SigningKey {
  kid: string;
  algorithm: "ES256" | "EdDSA" | "RS256";
  /** SPKI PEM. */
  publicKey: string;
  /** PKCS#8 PEM, sealed. */
  sealedPrivateKey: string;
  insertInstant: number;
  /** Null: it signs. Else it only verifies, and is forgotten after this instant. */
  verifiesUntil: number | null;
}
