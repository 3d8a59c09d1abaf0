/**
 * What counts as a record. Stores read what they, an earlier release, or somebody with a shell has written: anything else than a
 * whole record is malformed, and counts as absent. Says nothing of whether a record is live.
 */
import type { Device, SessionRecord, SignInRecord, User } from "./store.ts";

/** Whether that is a session; members it does not know are left alone. */
export function isSessionRecord(value: unknown): value is SessionRecord {
  return (
    isObject(value) &&
    isText(value["hash"]) &&
    isText(value["signInId"]) &&
    isUser(value["user"]) &&
    isTime(value["authenticatedAt"]) &&
    isTime(value["vouchedAt"]) &&
    isTime(value["questionedAt"]) &&
    isTime(value["expiresAt"]) &&
    isTime(value["absoluteExpiresAt"]) &&
    typeof value["presented"] === "boolean"
  );
}

/** Whether that is a sign-in; members it does not know are left alone. */
export function isSignInRecord(value: unknown): value is SignInRecord {
  return (
    isObject(value) &&
    isText(value["id"]) &&
    isText(value["application"]) &&
    isText(value["current"]) &&
    isUser(value["user"]) &&
    isDevice(value["device"]) &&
    isTime(value["version"]) &&
    isTime(value["attempt"]) &&
    isTime(value["authenticatedAt"]) &&
    isTime(value["absoluteExpiresAt"]) &&
    isTime(value["renewedAt"]) &&
    isTime(value["mintedAt"]) &&
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

// Member by member: this is looked at whenever a session is used, and loops over names cost several times as much.
function isUser(value: unknown): value is User {
  return (
    isObject(value) &&
    isText(value["id"]) &&
    Array.isArray(value["roles"]) &&
    value["roles"].every(isText) &&
    isTextOrLeftOut(value["email"]) &&
    isTextOrLeftOut(value["username"]) &&
    isTextOrLeftOut(value["firstName"]) &&
    isTextOrLeftOut(value["lastName"]) &&
    isTextOrLeftOut(value["fullName"]) &&
    isTextOrLeftOut(value["imageUrl"])
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
