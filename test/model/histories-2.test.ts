import { vi } from "vitest";
import { realProvider } from "./real-provider.ts";
import { share } from "./shard.ts";

vi.mock("@node-rs/argon2", () => import("./cheap-argon2.ts"));

share(1_500, 2, (now) => realProvider("2", now));
