/**
 * The company both applications belong to: its identity provider, running in this process, and the people who have an
 * account. An application under test gets its sessions here, so that signing in goes all the way to the provider.
 */
import { randomUUID } from "node:crypto";
import { createIdp } from "@latchkey/idp";
import { createSessions, memoryStore, type Sessions, type SessionsOptions } from "@latchkey/session";
import { watch } from "../leak-watch.ts";

/** Somebody with an account for both applications. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly fullName: string;
}

/** A customer. */
export const ada: Person = {
  id: "7f3c1c1e-1a52-4b0e-9d0c-0a5f0d1b2c01",
  email: "ada@example.com",
  password: "a kettle on the windowsill",
  fullName: "Ada Marlow",
};

/** A customer whose name is an attack on whoever reads it. */
export const ben: Person = {
  id: "7f3c1c1e-1a52-4b0e-9d0c-0a5f0d1b2c02",
  email: "ben@example.com",
  password: "eleven paper boats at sea",
  fullName: `Ben <img src=x onerror=alert(1)> "O'Hara" & Co`,
};

const applications = {
  store: {
    id: "5d562fea-9ba9-4d5c-b4a3-e57bb254d6db",
    secret: "client-secret-of-the-store-0123456789abcdef",
  },
  forum: {
    id: "3c219e58-ed0e-4b18-ad48-f4f92793ae32",
    secret: "client-secret-of-the-forum-0123456789abcdef",
  },
};

const apiKey = "api-key-of-the-company-0123456789abcdef";

/** The running provider. */
export interface Company {
  /** Whether the provider answers. */
  isReachable: boolean;
  /** The clock of provider and sessions; add to it to move time. */
  readonly clock: { ahead: number };
  /** Sessions of one application, in memory. */
  sessionsFor(application: keyof typeof applications, options: ApplicationPaths): Sessions;
  /** Somebody of whom no other test knows, with an account for both applications. */
  newcomer(): Promise<Person>;
  close(): Promise<void>;
}

type ApplicationPaths = Pick<SessionsOptions, "origin" | "publicPaths" | "webhookPath"> &
  Required<Pick<SessionsOptions, "afterSignIn" | "page">>;

/** Starts the provider with both applications and both people. */
export async function startCompany(): Promise<Company> {
  const clock = { ahead: 0 };
  const now = () => Date.now() + clock.ahead;
  const idp = await createIdp({
    database: ":memory:",
    issuer: "http://id.localhost",
    keys: [{ id: "k1", secret: "0123456789abcdef0123456789abcdef-test" }],
    kickstart: {
      apiKeys: [{ key: apiKey }],
      requests: [...applicationRequests(), ...[ada, ben].flatMap(personRequests)],
    },
    now,
  });
  const idpFetch = watch((request: Request) => idp.fetch(request));
  const company: Company = {
    isReachable: true,
    clock,
    sessionsFor(application, paths) {
      const { id, secret } = applications[application];
      const identityProvider = {
        url: "http://id.localhost",
        applicationId: id,
        clientSecret: secret,
        apiKey,
        fetch: (request: Request) =>
          company.isReachable ? idpFetch(request) : Promise.reject(new Error("connection refused")),
      };
      const cookieKeys = [{ id: "k1", secret: "cookie-key-of-the-tests-0123456789abcdef012" }];
      return createSessions({
        application,
        identityProvider,
        cookieKeys,
        store: memoryStore(),
        now,
        ...paths,
      });
    },
    async newcomer() {
      const person = madeUpPerson();
      for (const { method, url, body } of personRequests(person)) {
        const headers = { authorization: apiKey, "content-type": "application/json" };
        const request = { method, headers, body: JSON.stringify(body) };
        const { status } = await idpFetch(new Request(`http://id.localhost${url}`, request));
        if (status !== 200) throw new Error(`${url} was answered ${status}.`);
      }
      return person;
    },
    close: () => idp.close(),
  };
  return company;
}

function applicationRequests(): { method: string; url: string; body: unknown }[] {
  return Object.entries(applications).map(([name, { id, secret }]) => ({
    method: "POST",
    url: `/api/application/${id}`,
    body: {
      application: {
        name,
        loginConfiguration: { allowTokenRefresh: true, generateRefreshTokens: true },
        oauthConfiguration: { clientSecret: secret, enabledGrants: ["refresh_token"] },
      },
    },
  }));
}

function personRequests({ id, email, password, fullName }: Person): {
  method: string;
  url: string;
  body: unknown;
}[] {
  return [
    { method: "POST", url: `/api/user/${id}`, body: { user: { email, password, fullName } } },
    ...Object.values(applications).map((application) => ({
      method: "POST",
      url: `/api/user/registration/${id}`,
      body: { registration: { applicationId: application.id } },
    })),
  ];
}

function madeUpPerson(): Person {
  const id = randomUUID();
  return {
    id,
    email: `${id}@example.com`,
    password: `a password of ${id.slice(0, 8)}`,
    fullName: `Nia ${id.slice(0, 4)}`,
  };
}
