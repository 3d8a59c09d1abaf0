// The messages to users: what happened, when, where, and what to do. Plain text without links: one that teaches people to
// follow links from mail teaches them to be phished, and none can carry a secret away.

import { type EventInfo, mailAddressOf, type UserEvent, type UserEventType } from "../store/user-event.ts";
import type { MailMessage } from "./mail-config.ts";

/** The message about an event; null for a type that is not mailed, and where there is no address for it. */
export function messageOf(
  event: UserEvent,
  from: string,
  applicationName: string | null,
): MailMessage | null {
  const to = mailAddressOf(event);
  const content = contentOf(event, applicationName === null ? "" : ` in ${applicationName}`);
  if (to === null || content === null) return null;
  const paragraphs = [content.happened, circumstances(event), content.todo, CLOSING];
  return { to, from, subject: content.subject, text: `${paragraphs.join("\n\n")}\n` };
}

const CLOSING = "This message holds no links. To change something, open the application as you always do.";

interface Content {
  subject: string;
  happened: string;
  todo: string;
}

function contentOf(event: UserEvent, where: string): Content | null {
  if (event.type === "user.login.new-device") return newDevice(where);
  if (event.type === "jwt.refresh-token.reuse") return reuse(event, where);
  return CHANGES.get(event.type) ?? null;
}

const CHANGES: ReadonlyMap<UserEventType, Content> = new Map<UserEventType, Content>([
  ["user.password.update", changed("password")],
  ["user.identity.update", changed("username")],
  ["user.email.update", changed("e-mail address", " Messages about it no longer come to this one.")],
]);

// To what, is not said: whoever did it chose it.
function changed(what: string, consequence = ""): Content {
  return {
    subject: `Your ${what} was changed`,
    happened: `The ${what} of your account was changed.${consequence}`,
    todo: `If that was you, there is nothing to do.
If it was not, somebody else has your account: tell the people who run the application at once.`,
  };
}

function newDevice(where: string): Content {
  return {
    subject: "A sign-in from a new device",
    happened: `Your account was used to sign in${where}, with your password, on a device or browser that was not known before.`,
    todo: `If that was you, there is nothing to do.
If it was not, somebody knows your password: change it now, and sign out your other devices.`,
  };
}

function reuse({ refreshToken }: UserEvent, where: string): Content {
  const hasEnded = (refreshToken?.revokedInstant ?? null) !== null;
  const ended = "So that nobody can go on with it, this sign-in was ended on every device that had it.";
  return {
    subject: "A copy of your sign-in was used",
    happened: `The cookie that keeps you signed in${where} was used twice, so somebody may have a copy of it.${hasEnded ? ` ${ended}` : ""}`,
    todo: `Sign in again and look through your devices; sign out those you don't know.
The copy may have been made on your own device: check it for programs and browser extensions you don't trust, then change your password.`,
  };
}

function circumstances({ createInstant, info }: UserEvent): string {
  const when = new Date(createInstant).toISOString();
  const lines = [`When: ${when.slice(0, 10)} ${when.slice(11, 16)} UTC`];
  if (info.ipAddress !== undefined) lines.push(`Address: ${info.ipAddress}`);
  const device = deviceOf(info);
  if (device !== "") lines.push(`Device: ${device}`);
  return lines.join("\n");
}

// Whoever signs in chooses the name of his device: it must not become a link, or a message of its own (CWE-451).
function deviceOf({ deviceName }: EventInfo): string {
  const plain = (deviceName ?? "").replaceAll(/[^\p{L}\p{N} ()+_-]+/gu, " ");
  return plain.replaceAll(/ +/g, " ").trim().slice(0, 60);
}
