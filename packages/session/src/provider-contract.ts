/**
 * What the library asks of the identity provider, and what it may be told. How that is said over the wire is
 * identity-provider.ts's business.
 */
import type { User } from "./store/store.ts";

/** How to reach the identity provider. */
export interface IdentityProviderOptions {
  /** Base address. https, unless it is a loopback address or `fetch` leads into this process. */
  readonly url: string;
  /** This application's id at the provider, which is its OAuth client id too. */
  readonly applicationId: string;
  /** The key sent as `Authorization`; needs `/api/login`, `/api/user`, `/api/user/change-password` and `/api/jwt/refresh`. */
  readonly apiKey: string;
  /** The OAuth client secret: with it, renewal uses `POST /oauth2/token`; without, `POST /api/jwt/refresh`. */
  readonly clientSecret?: string;
  /** Sent as `X-FusionAuth-TenantId`, where the provider has several tenants. */
  readonly tenantId?: string;
  /** The `iss` of the provider's JWTs; by default what its discovery document says. */
  readonly issuer?: string;
  /** How requests are sent: pass an embedded provider's `fetch` here. Default: the global one. */
  readonly fetch?: (request: Request) => Promise<Response>;
  /** Milliseconds until a call is given up; signing in, where a password is hashed, has twice that. Default 5,000. */
  readonly deadline?: number;
}

/** What the browser's user typed, and where. */
export interface Credentials {
  readonly loginId: string;
  readonly password: string;
  readonly deviceName: string;
  readonly address: string | undefined;
  /** What the provider knows the browser by; `null` where it is to know nothing. */
  readonly deviceId: string | null;
}

/** Why the provider would not sign a user in. An unknown user and a wrong password are the same answer. */
export type SignInRefusal =
  | "invalid-credentials"
  | "invalid-input"
  | "locked"
  | "expired"
  | "prevented"
  | "not-registered"
  | "password-change-required"
  | "verification-required"
  | "second-factor-required";

/** What the provider gives for good credentials. */
export interface ProviderSignIn {
  readonly user: User;
  readonly accessToken: string | null;
  readonly refreshToken: string | null;
  readonly refreshTokenId: string | null;
  /** When the password that was given became the password, epoch milliseconds; 0 where the provider does not say. */
  readonly passwordChangedAt: number;
}

/** Too many attempts; come back after so many seconds. */
export interface Throttled {
  readonly outcome: "throttled";
  readonly retryAfter: number;
}

/** The provider's answer to credentials. */
export type SignInAnswer =
  | ({ readonly outcome: "signed-in" } & ProviderSignIn)
  | { readonly outcome: "refused"; readonly reason: SignInRefusal }
  | Throttled;

/** What a user gives to change the password. */
export interface PasswordChange {
  readonly loginId: string;
  readonly currentPassword: string;
  readonly newPassword: string;
  readonly address: string | undefined;
  /** As with Credentials: guesses at the current password are counted with those at signing in. */
  readonly deviceId: string | null;
}

/** The provider's answer to a change of password. */
export type PasswordChangeAnswer =
  | { readonly outcome: "changed" }
  | { readonly outcome: "wrong-password" }
  /** `faults` are FusionAuth's codes without their field, like "tooShort". */
  | { readonly outcome: "unacceptable"; readonly faults: readonly string[] }
  | Throttled;

/** The provider's answer to a refresh token. */
export type RefreshAnswer =
  | { readonly outcome: "refreshed"; readonly accessToken: string; readonly refreshToken: string }
  | { readonly outcome: "invalid-grant" };

/** What the provider knows of a user now. */
export interface ProviderUser {
  readonly user: User;
  readonly active: boolean;
  readonly registered: boolean;
  /** Epoch milliseconds; 0 where the provider does not say. */
  readonly passwordChangedAt: number;
}

/** A refresh-token family. */
export interface Family {
  readonly id: string;
  /** When its user signed in, epoch milliseconds. */
  readonly startedAt: number;
}

/** The calls. Each throws IdentityProviderUnavailableError or IdentityProviderMisconfiguredError, and nothing else. */
export interface IdentityProvider {
  signIn(credentials: Credentials): Promise<SignInAnswer>;
  refresh(refreshToken: string): Promise<RefreshAnswer>;
  /** `null` when there is no such user. */
  retrieveUser(userId: string): Promise<ProviderUser | null>;
  changePassword(change: PasswordChange): Promise<PasswordChangeAnswer>;
  /** Whether a refresh-token family is alive. */
  hasFamily(refreshTokenId: string): Promise<boolean>;
  /**
   * Revokes a refresh-token family; one that is gone already is no error. For `reuse` our provider tells the user that a
   * copied cookie was found; FusionAuth takes no notice of it.
   */
  revoke(refreshTokenId: string, reason?: "reuse"): Promise<void>;
  /** A user's refresh-token families in this application that are alive, as far as the provider lists them; none of a user it doesn't know. */
  familiesOf(userId: string): Promise<readonly Family[]>;
  /** Revokes every family of a user, in every application. */
  revokeUser(userId: string): Promise<void>;
  /** The same for families that began at `instant` (epoch milliseconds) or before, but for those of these ids. */
  revokeUserUntil(userId: string, instant: number, except: ReadonlySet<string>): Promise<void>;
  /** A GET of a public document, parsed: discovery and keys. */
  document(path: string): Promise<unknown>;
  /** Whether it says of itself that it can work; throws IdentityProviderUnavailableError where it says nothing. */
  isUp(): Promise<boolean>;
}
