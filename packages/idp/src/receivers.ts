// Who hears of an event: a webhook, or the user by mail. What became of the user, the webhook or the application since the event
// was written is looked at here; how often it is tried is delivery.ts's matter.

import type { Send } from "./delivery-attempt.ts";
import type { MailMessage } from "./mail/mail-config.ts";
import { messageOf } from "./mail/message.ts";
import { smtpSender } from "./mail/smtp.ts";
import type { Provider } from "./provider.ts";
import { MAIL, type UserEvent } from "./store/user-event.ts";
import { callWebhook } from "./webhooks/call-webhook.ts";

type Mail = { from: string; send: (message: MailMessage, id: string) => Promise<void> };

/** The way to every receiver of this provider. */
export function createSend(provider: Provider): Send {
  const mail = mailOf(provider);
  return ({ receiver, event }, signal) =>
    receiver === MAIL ? sendMail(provider, mail, event) : tellWebhook(provider, receiver, event, signal);
}

function mailOf({ config: { mail } }: Provider): Mail | null {
  if (mail === null) return null;
  return "send" in mail ? mail : { from: mail.from, send: smtpSender(mail.smtp) };
}

async function sendMail({ store }: Provider, mail: Mail | null, event: UserEvent): Promise<string | null> {
  // Written by a process that had mail configured; the next such one sends it.
  if (mail === null) return "mail is not configured";
  const application = await store.applications.find(event.applicationId ?? "");
  const message = messageOf(event, mail.from, application?.name ?? null);
  if (message !== null) await mail.send(message, event.id);
  return null;
}

async function tellWebhook(
  provider: Provider,
  id: string,
  event: UserEvent,
  signal: AbortSignal,
): Promise<string | null> {
  const webhook = await provider.store.webhooks.find(id);
  // Deleted while this was on its way.
  if (webhook === null) return null;
  const status = await callWebhook(provider, webhook, event, signal);
  if (status === null) return "url is not allowed";
  return status >= 200 && status < 300 ? null : `status ${status}`;
}
