// The commands of docs/deployment.md, as they stand there: in production, on an empty database, to the first sign-in.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePorts } from "../free-ports.ts";
import { secret } from "../leak-watch.ts";
import { ports, root, run, signInByHand, start, temporaryDirectory } from "../npm-start.ts";

const guide = readFileSync(join(root, "docs/deployment.md"), "utf8");
const [, commands = ""] = /guide\.test\.ts runs this block -->\s+```sh\n([^`]+)```/.exec(guide) ?? [];

test("an operator sets it up with the guide's commands, and somebody signs in at a node with a small key", async () => {
  const folder = temporaryDirectory();
  const secrets = join(folder, "secrets");
  mkdirSync(secrets);
  const [port = 0] = await freePorts(1);
  const url = `http://localhost:${port}`;
  writeFileSync(join(secrets, "keys"), `2026a:${secret(randomBytes(32).toString("base64url"))}\n`);
  const variables = {
    PATH: process.env["PATH"] ?? "",
    NODE_ENV: "production",
    ISSUER: url,
    DATABASE_URL: `sqlite:${join(folder, "idp.sqlite")}`,
    KEYS_FILE: join(secrets, "keys"),
  };
  await run("packages/idp/bin/latchkey-idp.js", /listens/, { ...variables, PORT: String(port) }).settled;

  const program = `latchkey-idp() { "${process.execPath}" --conditions=latchkey-source packages/idp/bin/latchkey-idp.js "$@"; }`;
  const shell = (text: string, env: Record<string, string>, input = "") =>
    execFileSync("bash", ["--norc", "-euo", "pipefail", "-c", `${program}\n${text}`], {
      cwd: root,
      env,
      input,
    }).toString();
  expect(commands).toContain("latchkey-idp api-key create");
  shell(commands, { ...variables, SECRETS: secrets });
  const password = secret("notes on the analytical engine");
  const register =
    "latchkey-idp user create --email ada@example.com --application 10000000-0000-4000-8000-000000000001";
  shell(register, variables, password);
  for (const name of ["store-client-secret", "set-up-api-key", "store-api-key"])
    secret(readFileSync(join(secrets, name), "utf8").trim());

  const common = {
    ...(await ports()),
    NODE_ENV: "production",
    PARTS: "store",
    IDP_URL: url,
    DATA_DIR: folder,
  };
  const origin = "https://store.example.com";
  const setUp = { ...common, STORE_ORIGIN: origin, IDP_API_KEY_FILE: join(secrets, "set-up-api-key") };
  expect(await run("start.ts", /^$/, setUp, ["--set-up"]).ended).toEqual({ code: 0, output: "" });
  const node = start({
    ...common,
    STORE_ORIGIN: origin,
    IDP_API_KEY_FILE: join(secrets, "store-api-key"),
    STORE_CLIENT_SECRET_FILE: join(secrets, "store-client-secret"),
  });
  expect(await node.settled).toContain("ready:");
  const address = `http://127.0.0.1:${common.STORE_PORT}`;
  expect(await signInByHand({ host: "store.example.com", url: address, origin })).toMatch(/__Host-session=/);
});
