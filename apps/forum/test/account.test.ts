import { describe } from "vitest";
import { accountBehindProxy, accountGuards } from "../../../test/applications/account-guards.ts";
import { accountPages } from "../../../test/applications/account-pages.ts";
import { openBoard } from "./board.ts";

describe("what the account pages do", () => {
  accountPages(openBoard());
});

describe("what keeps others out of them", () => {
  accountGuards(openBoard());
});

describe("behind a proxy", () => {
  accountBehindProxy(openBoard({ trustedProxies: ["127.0.0.1"] }));
});
