// Hands a message to an SMTP server. The only file that knows nodemailer. What a user chose stands in the text alone, never in a
// header (CWE-93); addresses are handed over as objects, so that none is read as a list.

import { createTransport } from "nodemailer";
import { isLoopback } from "../config.ts";
import { type MailMessage, smtpAddress } from "./mail-config.ts";

const DEADLINES = { connectionTimeout: 5_000, greetingTimeout: 5_000, socketTimeout: 10_000 };

/** A function that hands messages to the server at this address and rejects where it does not take them. */
export function smtpSender(address: string): (message: MailMessage, id: string) => Promise<void> {
  const url = smtpAddress(address);
  const secure = url.protocol === "smtps:";
  const user = decodeURIComponent(url.username);
  const transport = createTransport({
    ...DEADLINES,
    host: url.hostname.replaceAll(/^\[|\]$/g, ""),
    port: Number(url.port || (secure ? 465 : 587)),
    secure,
    // Without it a server – or somebody on the way – could decline STARTTLS and read the password (CWE-319).
    requireTLS: !secure && url.search === "" && !isLoopback(url),
    ...(user === "" ? {} : { auth: { user, pass: decodeURIComponent(url.password) } }),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async ({ to, from, subject, text }, id) => {
    await transport.sendMail({
      to: { name: "", address: to },
      from: { name: "", address: from },
      subject,
      text,
      // The same at every attempt, so that a mailbox can drop a second copy.
      messageId: `<${id}@${from.split("@")[1] ?? "localhost"}>`,
      // RFC 3834 §5: no out-of-office reply to it.
      headers: { "Auto-Submitted": "auto-generated" },
    });
  };
}
