// vitest's set-up file for tests that sign in thousands of times and are not about the hashes of passwords.
import { vi } from "vitest";

vi.mock("@node-rs/argon2", () => import("./model/cheap-argon2.ts"));
