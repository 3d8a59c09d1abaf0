/** The conformance suite on node:test, for store.test.ts. */
import { afterEach, beforeEach, describe, test } from "node:test";
import { sessionStoreConformance } from "../src/store/conformance.ts";
import { memoryHarness } from "./memory-harness.ts";

sessionStoreConformance(memoryHarness(), { describe, test, beforeEach, afterEach });
