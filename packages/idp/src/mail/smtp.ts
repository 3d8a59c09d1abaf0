// Hands a message to an SMTP server. The only file that knows nodemailer. What a user chose stands in the text alone, never in a
// header (CWE-93); addresses are handed over as objects, so that none is read as a list.

import { createTransport, type NodemailerError, type Transporter } from "nodemailer";
import { isLoopback } from "../config.ts";
import { MailRefusedError } from "../errors.ts";
import { type MailMessage, smtpAddress } from "./mail-config.ts";

const DEADLINES = { connectionTimeout: 5_000, greetingTimeout: 5_000, socketTimeout: 10_000 };

/**
 * A function that hands messages to the server at this address. It rejects where the server does not take them: with a
 * MailRefusedError where it never will.
 */
export function smtpSender(address: string): (message: MailMessage, id: string) => Promise<void> {
  const transport = transportTo(address);
  return async ({ to, from, subject, text }, id) => {
    const message = {
      to: { name: "", address: to },
      from: { name: "", address: from },
      subject,
      text,
      // The same at every attempt, so that a mailbox can drop a second copy.
      messageId: `<${id}@${from.split("@")[1] ?? "localhost"}>`,
      // RFC 3834 §5: no out-of-office reply to it.
      headers: { "Auto-Submitted": "auto-generated" },
    };
    await transport.sendMail(message).catch((error: NodemailerError) => {
      throw isForGood(error) ? new MailRefusedError(String(error.responseCode), error) : error;
    });
  };
}

/** Whether the server at this address lets us in; rejects with what it or the network said. No message is sent. */
export async function checkSmtp(address: string): Promise<void> {
  await transportTo(address).verify();
}

function transportTo(address: string): Transporter {
  const url = smtpAddress(address);
  const secure = url.protocol === "smtps:";
  const user = decodeURIComponent(url.username);
  return createTransport({
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
}

// RFC 5321 §4.2.1: 5yz to MAIL, RCPT or DATA, which are the envelope and the message. Not 530, nor what was said before them: there
// it is we who are not let in (RFC 4954 §6, RFC 3207 §4), which an operator puts right while the message waits.
function isForGood({ code, permanent, responseCode }: NodemailerError): boolean {
  return permanent === true && (code === "EENVELOPE" || code === "EMESSAGE") && responseCode !== 530;
}
