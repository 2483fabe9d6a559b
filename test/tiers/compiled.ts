// What tests that are run in this project find as the default of stores: the host's engine.

import { vi } from "vitest";

vi.mock("../../src/runtime/tier.ts", async (original) => ({
  ...(await original<typeof import("../../src/runtime/tier.ts")>()),
  DEFAULT_TIER: "compiled",
}));
