// `latchkey-idp user …`: what an operator does for one user, by the rules and with the effects of the user API: webhooks and mails
// are written for the servers to deliver.

import { isObject, uuidOf } from "../../request.ts";
import {
  cell,
  type Command,
  type CommandOption,
  type Invocation,
  JSON_OPTION,
  jsonOf,
  table,
} from "../command.ts";
import { instantOf } from "../duration.ts";
import { CommandError } from "../errors.ts";
import { operating } from "../operating.ts";
import type { Answer, Operator } from "../operator.ts";

const TENANT: Readonly<Record<"tenant", CommandOption>> = {
  tenant: { takes: "ID", help: "the tenant, where there are several" },
};
const USER = "ID|EMAIL|USERNAME";
const PASSWORD_EXAMPLE = "printf '%s' \"$PASSWORD\" | latchkey-idp";

/** Makes a user. */
export const userCreate: Command = {
  name: "user create",
  does: "Makes a user, with a password and registered for an application if you say so",
  when: `For the first user of an installation, or one who can't register himself. The password is typed without being shown, or read from
standard input; it is never an argument, which everybody on the machine can see. The tenant's rules for passwords hold.`,
  options: {
    email: { takes: "ADDRESS", help: "what he signs in with" },
    username: { takes: "NAME", help: "what else he signs in with" },
    verified: { help: "the address is known to be his" },
    "no-password": { help: "he can't sign in until he has one" },
    application: { takes: "ID", help: "register him for this application" },
    role: { takes: "NAME", multiple: true, help: "as this there; several times for several" },
    ...TENANT,
    ...JSON_OPTION,
  },
  example: `${PASSWORD_EXAMPLE} user create --email ada@example.com \\
  --application 10000000-0000-4000-8000-000000000001`,
  prints: "the user's id; with --json the user as the API shows him.",
  run: (invocation) =>
    operating(invocation, async (operator) => {
      const password = invocation.has("no-password") ? undefined : await newPassword(invocation);
      const applicationId = invocation.one("application");
      const body = {
        user: { email: invocation.one("email"), username: invocation.one("username"), password },
        skipVerification: invocation.has("verified"),
        ...(applicationId === undefined ? {} : { registration: { applicationId, ...rolesOf(invocation) } }),
      };
      const path = applicationId === undefined ? "/api/user" : "/api/user/registration";
      const { user } = await operator.ask("POST", path, { body, tenant: invocation.one("tenant") });
      const { id } = memberOf(user);
      invocation.terminal.out(invocation.has("json") ? jsonOf(user) : `${String(id)}\n`);
      return 0;
    }),
};

/** Shows a user. */
export const userShow: Command = {
  name: "user show",
  takes: USER,
  does: "Shows a user and where he is signed in",
  when: "To see whether he is active, what he may, and on which devices he is signed in.",
  options: { ...TENANT, ...JSON_OPTION },
  example: "latchkey-idp user show ada@example.com",
  prints: "his data, a line a registration, a line a sign-in; with --json both as the API shows them.",
  run: (invocation) =>
    operating(invocation, async (operator) => {
      const user = await userOf(operator, invocation);
      const { refreshTokens } = await operator.ask("GET", `/api/jwt/refresh?userId=${String(user["id"])}`);
      const signIns = Array.isArray(refreshTokens) ? refreshTokens.filter(isObject) : [];
      invocation.terminal.out(
        invocation.has("json") ? jsonOf({ user, refreshTokens: signIns }) : shown(user, signIns),
      );
      return 0;
    }),
};

/** Locks a user. */
export const userDeactivate: Command = {
  name: "user deactivate",
  takes: USER,
  does: "Locks a user: he can't sign in, and his sign-ins end",
  when: "When an account must not be used any more, at once. Nothing is deleted; user reactivate undoes it, but not the end of his sign-ins.",
  options: TENANT,
  example: "latchkey-idp user deactivate ada@example.com",
  prints: "his id.",
  run: changing("DELETE", ({ id }) => ({ path: `/api/user/${id}` })),
};

/** Unlocks a user. */
export const userReactivate: Command = {
  name: "user reactivate",
  takes: USER,
  does: "Unlocks a user: he can sign in again",
  when: "After user deactivate. Sign-ins that have ended stay ended.",
  options: TENANT,
  example: "latchkey-idp user reactivate ada@example.com",
  prints: "his id.",
  run: changing("PUT", ({ id }) => ({ path: `/api/user/${id}?reactivate=true` })),
};

/** Sets a password. */
export const userSetPassword: Command = {
  name: "user set-password",
  takes: USER,
  does: "Sets a user's password anew, which ends his sign-ins",
  when: `When he has forgotten it and you know that it is he who asks. He is told by mail, if mail is configured. The password is typed
without being shown, or read from standard input; it is never an argument, which everybody on the machine can see.`,
  options: TENANT,
  example: `${PASSWORD_EXAMPLE} user set-password ada@example.com`,
  prints: "his id.",
  run: changing("PATCH", async ({ id, invocation }) => {
    // The row of the outbox is written here, by who knows whether there is mail (ASVS 6.3.7).
    if (!invocation.variables["SMTP_URL"] && !invocation.variables["SMTP_URL_FILE"])
      invocation.terminal.err(
        "latchkey-idp: he is not told by mail: SMTP_URL and MAIL_FROM are not set here\n",
      );
    return { path: `/api/user/${id}`, body: { user: { password: await newPassword(invocation) } } };
  }),
};

/** Ends a user's sign-ins. */
export const userSignOut: Command = {
  name: "user sign-out",
  takes: USER,
  does: "Ends a user's sign-ins everywhere, or in one application",
  when: "When a device was lost or a cookie may have been copied. He can sign in again at once.",
  options: { application: { takes: "ID", help: "only there" }, ...TENANT },
  example: "latchkey-idp user sign-out ada@example.com",
  prints: "his id.",
  run: changing("DELETE", ({ id, invocation }) => {
    const application = invocation.one("application");
    const query = application === undefined ? "" : `&applicationId=${encodeURIComponent(application)}`;
    return { path: `/api/jwt/refresh?userId=${id}${query}` };
  }),
};

type Change = { path: string; body?: object };

function changing(
  method: string,
  change: (of: { id: string; invocation: Invocation }) => Change | Promise<Change>,
): Command["run"] {
  return (invocation) =>
    operating(invocation, async (operator) => {
      const id = String((await userOf(operator, invocation))["id"]);
      const { path, ...options } = await change({ id, invocation });
      await operator.ask(method, path, options);
      invocation.terminal.out(`${id}\n`);
      return 0;
    });
}

async function userOf(operator: Operator, { argument, one }: Invocation): Promise<Answer> {
  const path = uuidOf(argument) === null ? `?loginId=${encodeURIComponent(argument)}` : `/${argument}`;
  const { user } = await operator.ask("GET", `/api/user${path}`, { tenant: one("tenant") });
  return memberOf(user);
}

async function newPassword({ terminal }: Invocation): Promise<string> {
  const password = await terminal.secret("New password");
  if (password === "") throw new CommandError("no password was given on standard input");
  return password;
}

function rolesOf({ all }: Invocation): { roles?: readonly string[] } {
  const roles = all("role");
  return roles.length === 0 ? {} : { roles };
}

function memberOf(value: unknown): Answer {
  return isObject(value) ? value : {};
}

function shown(user: Answer, signIns: readonly Answer[]): string {
  const rows = ["id", "email", "username", "active", "verified", "tenantId"].map((name) => [
    name,
    cell(user[name]),
  ]);
  const registrations = [user["registrations"] ?? []].flat().filter(isObject);
  const listed = registrations.map(({ applicationId, roles }) => [
    "registered",
    `${cell(applicationId)} ${cell(roles)}`.trim(),
  ]);
  return table([...rows, ...listed, ...signIns.map(signInLine)]);
}

function signInLine({ id, applicationId, startInstant, metaData }: Answer): string[] {
  const { name, lastAccessedAddress } = memberOf(memberOf(metaData)["device"]);
  const began = typeof startInstant === "number" ? instantOf(startInstant) : "";
  const device = [name, lastAccessedAddress].filter((part) => typeof part === "string").join(", ");
  return ["signed in", `${String(applicationId)} since ${began} ${device}`.trimEnd() + ` (${String(id)})`];
}
