import { accountPages } from "../../../test/applications/account-pages.ts";
import { openShop } from "./shop.ts";

accountPages(openShop());
