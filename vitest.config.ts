import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "spec-tests/**/*.test.ts"],
    testTimeout: 120_000,
    pool: "forks",
    reporters: ["default", "./tools/summary-reporter.ts"],
  },
});
