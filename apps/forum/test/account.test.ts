import { accountPages } from "../../../test/applications/account-pages.ts";
import { openBoard } from "./board.ts";

accountPages(openBoard());
