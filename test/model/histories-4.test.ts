import { share } from "./shard.ts";
import { standIn } from "./stand-in.ts";

share(8_500, 4, async (now) => standIn(now));
