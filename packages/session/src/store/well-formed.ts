/**
 * What counts as a record. Stores read what they, an earlier release, or somebody with a shell has written: anything else than a
 * whole record is malformed, and counts as absent. Says nothing of whether a record is live.
 */
import type { Device, SessionRecord, SignInRecord, User } from "./store.ts";

/** Whether that is a session; members it does not know are left alone. */
export function isSessionRecord(value: unknown): value is SessionRecord {
  return (
    isObject(value) &&
    hasTexts(value, ["hash", "signInId"]) &&
    isUser(value["user"]) &&
    hasTimes(value, ["authenticatedAt", "vouchedAt", "questionedAt", "expiresAt", "absoluteExpiresAt"]) &&
    typeof value["presented"] === "boolean"
  );
}

/** Whether that is a sign-in; members it does not know are left alone. */
export function isSignInRecord(value: unknown): value is SignInRecord {
  return (
    isObject(value) &&
    hasTexts(value, ["id", "application", "current"]) &&
    isUser(value["user"]) &&
    isDevice(value["device"]) &&
    hasTimes(value, [
      "version",
      "attempt",
      "authenticatedAt",
      "absoluteExpiresAt",
      "renewedAt",
      "mintedAt",
    ]) &&
    typeof value["remembered"] === "boolean" &&
    typeof value["revocationOwed"] === "boolean" &&
    isNullOr(value["previous"], isText) &&
    isNullOr(value["mintedFor"], isText) &&
    isNullOr(value["presentedAt"], isTime) &&
    isNullOr(value["ended"], isEnd)
  );
}

/** What JSON says; `null` where it is none. */
export function fromJson(text: unknown): unknown {
  if (typeof text !== "string") return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const profile = ["email", "username", "firstName", "lastName", "fullName", "imageUrl"] as const;

function isUser(value: unknown): value is User {
  return (
    isObject(value) &&
    isText(value["id"]) &&
    Array.isArray(value["roles"]) &&
    value["roles"].every(isText) &&
    profile.every((member) => isTextOrLeftOut(value[member]))
  );
}

function isDevice(value: unknown): value is Device {
  return isObject(value) && isText(value["name"]) && isTextOrLeftOut(value["address"]);
}

function isEnd(value: unknown): boolean {
  return isObject(value) && isTime(value["at"]) && isText(value["reason"]);
}

function isNullOr(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === null || is(value);
}

function hasTexts(value: Record<string, unknown>, members: readonly string[]): boolean {
  return members.every((member) => isText(value[member]));
}

function hasTimes(value: Record<string, unknown>, members: readonly string[]): boolean {
  return members.every((member) => isTime(value[member]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTextOrLeftOut(value: unknown): boolean {
  return value === undefined || isText(value);
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
