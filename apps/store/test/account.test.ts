import { describe } from "vitest";
import { accountBehindProxy, accountGuards } from "../../../test/applications/account-guards.ts";
import { accountPages } from "../../../test/applications/account-pages.ts";
import { openShop } from "./shop.ts";

describe("what the account pages do", () => {
  accountPages(openShop());
});

describe("what keeps others out of them", () => {
  accountGuards(openShop());
});

describe("behind a proxy", () => {
  accountBehindProxy(openShop({ trustedProxies: ["127.0.0.1"] }));
});
