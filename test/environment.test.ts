// The variables of `npm start`: each is read, or refused with one line that names it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EnvironmentError, readEnvironment } from "../start/environment.ts";
import { secret } from "./leak-watch.ts";

describe("a value that can't be used is refused with one line that names the variable", () => {
  test.each([
    ["STORE_PORT", "0"],
    ["FORUM_PORT", "65536"],
    ["IDP_PORT", "80a"],
    ["OUTBOX_PORT", "-1"],
    ["STORE_ORIGIN", "http://shop.example.com"],
    ["STORE_ORIGIN", "https://shop.example.com/"],
    ["FORUM_ORIGIN", "forum.example.com"],
    ["TRUST_PROXY", "yes"],
    ["SMTP_URL", "mail.example.com"],
    ["IDP_URL", "ftp://example.com"],
    ["WORKFLOW", "session"],
    ["POLICY", "Hardened"],
    ["SESSION_IDLE", "30"],
    ["SESSION_ABSOLUTE", "0s"],
    ["REFRESH_IDLE", "-1d"],
    ["REFRESH_ABSOLUTE", "401d"],
  ])("%s=%s", (variable, value) => {
    const key = variable === "IDP_URL" ? { IDP_API_KEY: "a key" } : {};
    expect(() => readEnvironment({ [variable]: value, ...key })).toThrow(EnvironmentError);
    expect(() => readEnvironment({ [variable]: value, ...key })).toThrow(
      new RegExp(`^${variable}: [^\\n]+$`),
    );
  });

  test("IDP_URL and IDP_API_KEY need each other", () => {
    expect(() => readEnvironment({ IDP_URL: "https://id.example.com" })).toThrow(/^IDP_API_KEY: /);
    expect(() => readEnvironment({ IDP_API_KEY: "a key" })).toThrow(/^IDP_URL: /);
  });

  test("SMTP_URL needs MAIL_FROM, and a provider of ours; its password is not repeated", () => {
    const SMTP_URL = `smtp://us:${secret("a password of the mail server")}@mail.example.com`;
    expect(() => readEnvironment({ SMTP_URL })).toThrow(/^MAIL_FROM: [^\n]+$/);
    const elsewhere = { IDP_URL: "https://id.example.com", IDP_API_KEY: "a key" };
    expect(() => readEnvironment({ SMTP_URL, MAIL_FROM: "us@example.com", ...elsewhere })).toThrow(
      /^SMTP_URL: the provider at IDP_URL sends its own mail$/,
    );
    expect(() => readEnvironment({ SMTP_URL: SMTP_URL.replace("smtp:", "http:") })).toThrow(
      /^SMTP_URL: is not an address like smtp:\/\/mail.example.com:587$/,
    );
  });

  test("the applications' origins need two host names: ports keep no cookies apart (ASVS 3.5.4)", () => {
    const origins = { STORE_ORIGIN: "https://example.com", FORUM_ORIGIN: "https://example.com:8443" };
    expect(() => readEnvironment(origins)).toThrow(/^FORUM_ORIGIN: [^\n]+$/);
  });

  test("any environment is read or refused by name, never anything else", () => {
    const names = [
      "STORE_PORT",
      "POLICY",
      "WORKFLOW",
      "SESSION_IDLE",
      "REFRESH_ABSOLUTE",
      "STORE_ORIGIN",
      "FORUM_ORIGIN",
      "SMTP_URL",
      "MAIL_FROM",
      "IDP_URL",
      "IDP_API_KEY",
    ];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.string()), (variables) => {
        try {
          readEnvironment(variables);
          return true;
        } catch (error) {
          return (
            error instanceof EnvironmentError && names.some((name) => error.message.startsWith(`${name}: `))
          );
        }
      }),
    );
  });
});
