import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { texts } from "./output.ts";
import { Secrets } from "./secrets.ts";

const value = fc
  .string({ unit: "binary", minLength: 8, maxLength: 60 })
  .filter((text) => text.isWellFormed());

function formsFound(secret: string, text: string): string[] {
  const secrets = new Secrets();
  secrets.add(secret, "a test");
  return secrets.leaks([{ source: "a log", text }]).map(({ form }) => form);
}

describe("the search for secrets", () => {
  test("finds a secret raw, URL-encoded, in a form, and base64 at any alignment", () => {
    const text = fc.string({ unit: "binary", maxLength: 20 }).filter((part) => part.isWellFormed());
    fc.assert(
      fc.property(value, text, text, (secret, before, after) => {
        const around = before + secret + after;
        expect(formsFound(secret, around)).toContain("raw");
        expect(formsFound(secret, encodeURIComponent(around))).not.toEqual([]);
        expect(formsFound("a secret with spaces", "q=a+secret+with+spaces")).toEqual(["form-encoded"]);
        expect(formsFound(secret, Buffer.from(around).toString("base64"))).not.toEqual([]);
        expect(formsFound(secret, Buffer.from(around).toString("base64url"))).not.toEqual([]);
      }),
    );
  });

  test("finds nothing where nothing is", () => {
    fc.assert(
      fc.property(value, fc.string({ unit: "binary" }), (secret, text) => {
        fc.pre(!text.includes(secret));
        expect(formsFound(`${secret}§`, text)).toEqual([]);
      }),
    );
  });

  test("tells where a secret came from without telling the secret", () => {
    const secrets = new Secrets();
    secrets.add("correct horse battery", "a member named password");
    const leaks = secrets.leaks([{ source: "console.log", text: "it was correct horse battery." }]);
    expect(leaks).toEqual([
      {
        secret: "corr… (21 characters)",
        origin: "a member named password",
        form: "raw",
        source: "console.log",
      },
    ]);
  });

  test("leaves out values of fewer than eight characters, which occur by chance", () => {
    expect(formsFound("seven77", "seven77")).toEqual([]);
  });

  test("searches thousands of secrets in megabytes within a test's time", () => {
    const secrets = new Secrets();
    for (let i = 0; i < 5000; i++) secrets.add(`secret number ${i} of many`, "a test");
    const text = "nothing to see here. ".repeat(100_000);
    expect(secrets.leaks([{ source: "a log", text }])).toEqual([]);
  });
});

describe("the strings of an event", () => {
  test("are found in errors, causes, maps, sets, bytes, URLs and circles", () => {
    const circle: Record<string, unknown> = {
      error: new Error("message", { cause: { deep: "cause" } }),
      map: new Map([["key", new Set(["member"])]]),
      bytes: Buffer.from("bytes"),
      url: new URL("http://localhost/?token=in-a-url"),
      headers: new Headers({ authorization: "header" }),
    };
    circle["self"] = circle;
    const found = [...texts(circle)];
    for (const text of ["message", "cause", "key", "member", "bytes", "header"])
      expect(found).toContain(text);
    expect(found.some((text) => text.includes("in-a-url"))).toBe(true);
  });
});
