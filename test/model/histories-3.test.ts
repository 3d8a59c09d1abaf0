import { vi } from "vitest";
import { share } from "./shard.ts";

vi.mock("@node-rs/argon2", () => import("./cheap-argon2.ts"));

share("3");
