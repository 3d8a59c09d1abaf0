// What `createIdp` is told about mail, checked. It opens no connection.

/** A message as it goes out: plain text, one recipient. */
export interface MailMessage {
  to: string;
  from: string;
  subject: string;
  text: string;
}

/**
 * Who mail is from, and how it leaves: by an SMTP server, or by a function of the caller's, which rejects what could not be
 * handed on; it is then called again later, unless it rejected with a MailRefusedError. `id` is the same whenever a message is
 * tried again.
 *
 * @example
 * mail: { from: "accounts@example.com", smtp: "smtps://user:password@mail.example.com" }
 * mail: { from: "accounts@example.com", send: async ({ to, subject, text }) => queue.add({ to, subject, text }) }
 */
export type MailConfig =
  | {
      from: string;
      /** smtp://[user:password@]host[:port], with STARTTLS demanded unless the host is this machine, or smtps://… */
      smtp: string;
    }
  | { from: string; send: (message: MailMessage, id: string) => Promise<void> };

/** The same, or a TypeError that names the wrong option and repeats no value: the address may hold a password. */
export function checkedMail(mail: MailConfig): MailConfig {
  if (typeof mail.from !== "string" || !/^[^\s@,;<>"]+@[^\s@,;<>"]+$/u.test(mail.from)) {
    throw new TypeError('"mail.from" must be an e-mail address');
  }
  if ("send" in mail) {
    if (typeof mail.send !== "function") throw new TypeError('"mail.send" must be a function');
    return mail;
  }
  smtpAddress(mail.smtp);
  return mail;
}

/** The address of the SMTP server; a TypeError for what is none. */
export function smtpAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const hasNoMore = url !== null && /^\/?$/.test(url.pathname) && url.hash === "";
  if (url === null || !/^smtps?:$/.test(url.protocol) || url.hostname === "" || !hasNoMore) {
    throw new TypeError('"mail.smtp" must be like smtp://user:password@mail.example.com:587');
  }
  if (!["", "?requireTLS=false"].includes(url.search)) {
    throw new TypeError('"mail.smtp" takes no parameter but requireTLS=false');
  }
  return url;
}
