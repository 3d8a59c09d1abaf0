import { share } from "./shard.ts";
import { standIn } from "./stand-in.ts";

share(8_500, 3, async (now) => standIn(now));
