// Which passwords are acceptable (NIST SP 800-63B-4 §3.1.1.2, ASVS 6.2): length, not one of the most used, and more than the
// login id. Rules about kinds of characters are off unless a tenant turns them on. Pure.

import { COMMON_PASSWORDS } from "./common-passwords.ts";
import type { LoginIds, PasswordValidationRules, Tenant } from "./store/records.ts";

/** Every rule with its value, as `GET /api/tenant/password-validation-rules` shows them. */
export type EffectivePasswordRules = {
  [Rule in keyof PasswordValidationRules]-?: Exclude<PasswordValidationRules[Rule], undefined>;
};

/** The rules of a tenant. FusionAuth's defaults; bcrypt's limit of 50 does not apply here. */
export function passwordRules(tenant: Tenant): EffectivePasswordRules {
  const own = tenant.settings.passwordValidationRules ?? {};
  return {
    minLength: own.minLength ?? 8,
    maxLength: own.maxLength ?? 256,
    requireMixedCase: own.requireMixedCase ?? false,
    requireNonAlpha: own.requireNonAlpha ?? false,
    requireNumber: own.requireNumber ?? false,
  };
}

/** FusionAuth's reason why the password is refused to who signs in with it, e.g. "tooShort"; null if it is acceptable. */
export function passwordFault(
  rules: EffectivePasswordRules,
  password: string,
  { email, username }: LoginIds,
): string | null {
  const text = password.normalize("NFC");
  // Lengths count what a person would count: code points (NIST SP 800-63B-4 §3.1.1.2).
  const length = Array.from(text).length;
  if (length < rules.minLength) return "tooShort";
  if (length > rules.maxLength) return "tooLong";
  if (rules.requireMixedCase && (text === text.toLowerCase() || text === text.toUpperCase()))
    return "singleCase";
  if (rules.requireNonAlpha && /^\p{L}+$/u.test(text)) return "onlyAlpha";
  if (rules.requireNumber && !/\d/.test(text)) return "requireNumber";
  const folded = text.toLowerCase();
  if (COMMON_PASSWORDS.has(folded)) return "breachedCommonPassword";
  const localPart = email?.split("@")[0] ?? "";
  if ([email ?? "", localPart].some((word) => isLittleMoreThan(folded, word, rules.minLength)))
    return "containsEmail";
  return isLittleMoreThan(folded, username ?? "", rules.minLength) ? "containsUsername" : null;
}

// ASVS 6.2.11: what remains without the word must be long enough by itself. So "alice" may stand in a long
// pass-phrase, and alice1234567 is refused. Words of one or two letters are in too many passwords to say anything.
function isLittleMoreThan(password: string, word: string, minLength: number): boolean {
  const folded = word.normalize("NFC").toLowerCase();
  if (folded.length < 3 || !password.includes(folded)) return false;
  return Array.from(password.replaceAll(folded, "")).length < minLength;
}
