// What users are told by mail, through a real SMTP server on this machine: when, where, what to do, and nothing that a link, a
// header or a name could be misused for.
import { describe, expect, test } from "vitest";
import type { MailMessage } from "../src/index.ts";
import {
  ALICE,
  ALICE_EMAIL,
  ALICE_PASSWORD,
  emptyDatabase,
  login,
  refreshGrant,
  startIdp,
  STORE_APP,
} from "./idp.ts";
import { changePassword, FROM, newPassword, smtpPassword, startMailServer, subjects } from "./mail-server.ts";

const device = (id: string, name = "Firefox on Linux") => ({
  ipAddress: "203.0.113.7",
  metaData: { device: { name }, data: { deviceId: id.repeat(43) } },
});

test("a changed password: to the user, from the configured address, with when and where (ASVS 6.3.7)", async () => {
  const server = await startMailServer();
  const idp = await startIdp({ mail: { from: FROM, smtp: server.url } });
  await changePassword(idp);
  await idp.idp.deliverDue();
  expect(server.mails).toHaveLength(1);
  const [mail] = server.mails;
  expect(mail).toMatchObject({ from: FROM, to: [ALICE_EMAIL] });
  expect(mail?.headers).toMatch(/^From: accounts@store\.example$/m);
  expect(mail?.headers).toMatch(/^Subject: Your password was changed$/m);
  expect(mail?.headers).toMatch(/^Content-Type: text\/plain/m);
  expect(mail?.headers).toMatch(/^Auto-Submitted: auto-generated$/m);
  expect(mail?.text).toContain("When: 2026-01-01 00:00 UTC");
  expect(mail?.text).toContain("Address: 198.51.100.4");
  expect(mail?.text).toMatch(/If it was not, somebody else has your account/);
});

test("a sign-in from a new device: which one, from where, to which application (ASVS 6.3.5)", async () => {
  const server = await startMailServer();
  const idp = await startIdp({ mail: { from: FROM, smtp: server.url } });
  await login(idp, device("a"));
  await login(idp, device("a"));
  await idp.idp.deliverDue();
  expect(server.mails).toEqual([]);
  await login(idp, device("b", "Chrome on Windows"));
  await idp.idp.deliverDue();
  expect(subjects(server)).toEqual(["A sign-in from a new device"]);
  expect(server.mails[0]?.text).toContain("sign in in Store");
  expect(server.mails[0]?.text).toContain("Address: 203.0.113.7\r\nDevice: Chrome on Windows\r\n");
});

test("a copied cookie, found by the provider or the application: one message a family (ASVS 6.3.5)", async () => {
  const server = await startMailServer();
  const idp = await startIdp({ mail: { from: FROM, smtp: server.url } });
  const { body: first } = await login(idp, device("a"));
  const { body: second } = await login(idp, device("a"));
  await refreshGrant(idp, first.refreshToken);
  idp.clock.now += 60_000;
  await refreshGrant(idp, first.refreshToken);
  await idp.call("DELETE", `/api/jwt/refresh/${first.refreshTokenId}?reason=reuse`);
  await idp.call("DELETE", `/api/jwt/refresh/${second.refreshTokenId}?reason=reuse`);
  await idp.call("DELETE", `/api/jwt/refresh/${second.refreshTokenId}?reason=reuse`);
  await idp.idp.deliverDue();
  expect(subjects(server)).toEqual(["A copy of your sign-in was used", "A copy of your sign-in was used"]);
  for (const { text } of server.mails) {
    expect(text).toContain("this sign-in was ended on every device that had it");
    expect(text).toContain("Device: Firefox on Linux");
  }
});

test("where the policy ends nothing, the message does not say that it did", async () => {
  const server = await startMailServer();
  const idp = await startIdp({ mail: { from: FROM, smtp: server.url } });
  const jwtConfiguration = { enabled: true, refreshTokenRevocationPolicy: { onOneTimeTokenReuse: false } };
  await idp.call("PATCH", `/api/application/${STORE_APP}`, { json: { application: { jwtConfiguration } } });
  const { body } = await login(idp);
  await refreshGrant(idp, body.refreshToken);
  idp.clock.now += 60_000;
  await refreshGrant(idp, body.refreshToken);
  await idp.idp.deliverDue();
  expect(server.mails).toHaveLength(1);
  expect(server.mails[0]?.text).not.toContain("was ended");
});

describe("what a stranger chose", () => {
  test("makes no header, no link and no text of its own (CWE-93, CWE-451)", async () => {
    const server = await startMailServer();
    const idp = await startIdp({ mail: { from: FROM, smtp: server.url } });
    await login(idp, device("a"));
    const name = `x <b>URGENT</b>: go to https://evil.example/login?a=b & call 1; ${"y".repeat(100)}`;
    expect((await login(idp, device("b", name))).status).toBe(200);
    expect((await login(idp, device("c", "Bcc:\r\nBcc: victim@example.com"))).status).toBe(400);
    await idp.idp.deliverDue();
    const [mail, ...more] = server.mails;
    expect(more).toEqual([]);
    expect(mail?.to).toEqual([ALICE_EMAIL]);
    expect(mail?.text).not.toMatch(/https?:|evil\.example|[<>&?=;]/);
    expect(mail?.headers).not.toMatch(/evil|URGENT|bcc/i);
    expect(/^Device: (.*)$/m.exec(mail?.text ?? "")?.[1]?.trim().length).toBeLessThanOrEqual(60);
  });

  test("an address is one address, whatever is in it", async () => {
    const server = await startMailServer();
    const idp = await startIdp({ mail: { from: FROM, smtp: server.url } });
    for (const email of [
      "a@b.example,victim@example.com",
      "a@b.example>\r\nRCPT TO:<v@example.com",
      "<a@b.example>",
    ]) {
      expect((await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { email } } })).status).toBe(400);
    }
    const email = "o'alice+store=x@example.com";
    const patched = await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { email } } });
    expect(patched.status).toBe(200);
    await changePassword(idp);
    await idp.idp.deliverDue();
    expect(server.mails.map(({ to }) => to)).toEqual([[ALICE_EMAIL], [email]]);
  });
});

test("no message holds a link, a token or a password", async () => {
  const server = await startMailServer();
  const idp = await startIdp({ mail: { from: FROM, smtp: server.url } });
  const { body } = await login(idp, device("a"));
  await login(idp, device("b"));
  await idp.call("DELETE", `/api/jwt/refresh/${body.refreshTokenId}?reason=reuse`);
  await changePassword(idp);
  await idp.idp.deliverDue();
  expect(server.mails).toHaveLength(3);
  for (const { headers, text } of server.mails) {
    expect(text).not.toMatch(/https?:|www\./);
    for (const value of [body.refreshToken, newPassword, ALICE_PASSWORD, body.refreshTokenId]) {
      expect(headers + text).not.toContain(value);
    }
  }
});

test("a mail server that is down gets it later, also after a restart, and once", async () => {
  const server = await startMailServer();
  const database = await emptyDatabase();
  await server.close();
  const mail = { from: FROM, smtp: server.url };
  const before = await startIdp({ database, mail });
  await changePassword(before);
  await before.idp.deliverDue();
  const failed = before.events.filter(({ type }) => type === "event-not-delivered");
  expect(failed).toMatchObject([{ receiver: "mail", eventType: "user.password.update" }]);
  await before.idp.close();

  const back = await startMailServer(server.port);
  const after = await startIdp({ database, mail });
  after.clock.now += 1_000;
  await after.idp.deliverDue();
  await after.idp.deliverDue();
  expect(subjects(back)).toEqual(["Your password was changed"]);
});

test("a server that wants a password gets it", async () => {
  const server = await startMailServer(0, true);
  const smtp = `smtp://idp:${encodeURIComponent(smtpPassword)}@127.0.0.1:${server.port}`;
  const idp = await startIdp({ mail: { from: FROM, smtp } });
  await changePassword(idp);
  await idp.idp.deliverDue();
  expect([server.users, server.mails.length]).toEqual([["idp"], 1]);
});

test("a server on another machine must speak TLS, unless its address says that it need not (CWE-319)", async () => {
  const server = await startMailServer();
  // Leads to this machine, and is not known to.
  const smtp = `smtp://0.0.0.0:${server.port}`;
  const idp = await startIdp({ mail: { from: FROM, smtp } });
  await changePassword(idp);
  await idp.idp.deliverDue();
  expect(server.mails).toEqual([]);
  expect(idp.events.filter(({ type }) => type === "event-not-delivered")).toHaveLength(1);
  const without = await startIdp({ mail: { from: FROM, smtp: `${smtp}?requireTLS=false` } });
  await changePassword(without);
  await without.idp.deliverDue();
  expect(server.mails).toHaveLength(1);
});

test("a function of the caller's takes messages too; when it rejects it is called again with the same id", async () => {
  const sent: [MailMessage, string][] = [];
  let isDown = true;
  const send = async (message: MailMessage, id: string) => {
    sent.push([message, id]);
    if (isDown) throw new Error("The queue is full");
  };
  const idp = await startIdp({ mail: { from: FROM, send } });
  await changePassword(idp);
  await idp.idp.deliverDue();
  isDown = false;
  idp.clock.now += 1_000;
  await idp.idp.deliverDue();
  await idp.idp.deliverDue();
  expect(sent).toHaveLength(2);
  expect(sent[1]).toEqual(sent[0]);
  expect(Object.keys(sent[0]?.[0] ?? {}).sort()).toEqual(["from", "subject", "text", "to"]);
});

test("a user without an address is told nothing, and nothing waits for one", async () => {
  const sent: MailMessage[] = [];
  const send = async (message: MailMessage) => void sent.push(message);
  const idp = await startIdp({ mail: { from: FROM, send } });
  await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { email: null } } });
  await idp.idp.deliverDue();
  // That was told to the address he had.
  expect(sent.splice(0)).toHaveLength(1);
  await changePassword(idp);
  await idp.idp.deliverDue();
  expect(sent).toEqual([]);
});

test("wrong options are refused at the start, by name and without the password in them", async () => {
  const good = { from: FROM, smtp: "smtp://127.0.0.1" };
  const bad: [string, object][] = [
    ["mail.from", { ...good, from: "accounts" }],
    ["mail.from", { ...good, from: "a@b.example\r\nBcc: c@d.example" }],
    ["mail.from", { smtp: good.smtp }],
    ["mail.smtp", { from: FROM }],
    ["mail.smtp", { from: FROM, smtp: "mail.example.com" }],
    ["mail.smtp", { from: FROM, smtp: `http://a:${smtpPassword}@mail.example.com` }],
    ["mail.smtp", { from: FROM, smtp: "smtp://mail.example.com/path" }],
    ["mail.smtp", { from: FROM, smtp: "smtp://mail.example.com?ignoreTLS=true" }],
    ["mail.send", { from: FROM, send: "mail" }],
  ];
  for (const [option, mail] of bad) {
    const config = Object.assign({ mail: good }, { mail });
    const error: unknown = await startIdp(config).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(`"${option}"`);
    expect(String(error)).not.toContain(smtpPassword);
  }
});
