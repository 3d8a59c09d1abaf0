// A process that does nothing, beside the one that is soaked: how late its event loop is, is the machine's doing.
import { present } from "../candidate.ts";

setInterval(() => {}, 60_000);
present({ port: 0 });
