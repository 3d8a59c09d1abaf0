import { share } from "./shard.ts";
import { standIn } from "./stand-in.ts";

share(8_000, async (now) => standIn(now));
