// An SMTP server on this machine that keeps what it was sent, and refuses what the test says.

import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterEach } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { ALICE, type TestIdp } from "./idp.ts";

export const FROM = "accounts@store.example";
export const newPassword = secret("a new and fine long phrase");
export const smtpPassword = secret("the password of the mail server");

interface Mail {
  from: string;
  to: string[];
  headers: string;
  text: string;
}

export interface MailServer {
  port: number;
  url: string;
  mails: Mail[];
  users: string[];
  close(): Promise<void>;
}

const servers: MailServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** A server's refusal of a command, as smtp-server answers it. */
export const refusal = (responseCode: number) => Object.assign(new Error("refused"), { responseCode });

/** Listens on a port of its own, or on `port`, until the test ends; `refusing.data` is what it answers to every message. */
export async function startMailServer(
  port = 0,
  needsPassword = false,
  refusing: Pick<SMTPServerOptions, "onMailFrom" | "onRcptTo"> & { data?: number } = {},
): Promise<MailServer> {
  const mails: Mail[] = [];
  const users: string[] = [];
  const { data, ...hooks } = refusing;
  const server = new SMTPServer({
    authOptional: !needsPassword,
    disabledCommands: needsPassword ? ["STARTTLS"] : ["STARTTLS", "AUTH"],
    allowInsecureAuth: true,
    onAuth({ username = "", password }, _, done) {
      if (password !== smtpPassword) return done(new Error("refused"));
      users.push(username);
      return done(null, { user: username });
    },
    async onData(stream, session, done) {
      if (data !== undefined) return stream.resume().on("end", () => done(refusal(data)));
      await keep(stream, session.envelope);
      return done();
    },
    ...hooks,
  });
  const keep = async (
    stream: Readable,
    { mailFrom, rcptTo }: { mailFrom: unknown; rcptTo: { address: string }[] },
  ) => {
    const raw = await text(stream);
    const [headers = "", ...body] = raw.split("\r\n\r\n");
    const from = String(Object.getOwnPropertyDescriptor(mailFrom ?? {}, "address")?.value);
    mails.push({
      from,
      to: rcptTo.map(({ address }) => address),
      headers,
      text: plain(headers, body.join("\r\n\r\n")),
    });
  };
  const listener = server.listen(port, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  const actual = typeof address === "object" && address !== null ? address.port : 0;
  const started = {
    port: actual,
    url: `smtp://127.0.0.1:${actual}`,
    mails,
    users,
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
  servers.push(started);
  return started;
}

function plain(headers: string, body: string): string {
  if (!/^content-transfer-encoding: quoted-printable/im.test(headers)) return body;
  const bytes = body
    .replaceAll("=\r\n", "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** Of what it was sent, in order. */
export const subjects = ({ mails }: MailServer) =>
  mails.map(({ headers }) => /^subject: (.*)$/im.exec(headers)?.[1]);

/** A happening that is mailed. */
export const changePassword = (idp: TestIdp) =>
  idp.call("PATCH", `/api/user/${ALICE}`, {
    json: { user: { password: newPassword } },
    headers: { "x-forwarded-for": "198.51.100.4" },
  });
