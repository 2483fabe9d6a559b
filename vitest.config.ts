import { defineConfig } from "vitest/config";

/** Tests that run a second time with compiled code as the default: what each finds of its own. */
const COMPILED = [
  "test/api/{calls,fuel,host,interleaving,interrupts,limits}.test.ts",
  "test/api/{nans,objects,overlap,pieces,promises}.test.ts",
  "test/js-api/{calls,crossing,exceptions,loading,memory,messages,order}.test.ts",
  "test/js-api/{processes,promising,suite,types}.test.ts",
  "test/packages/packages.test.ts",
  "test/threads/{growth,waiting}.test.ts",
  "test/wasi/{functions,programs,quickjs,run,suspension}.test.ts",
];

export default defineConfig({
  test: {
    testTimeout: 120_000,
    pool: "forks",
    reporters: ["default", "./tools/summary-reporter.ts"],
    projects: [
      {
        extends: true,
        test: { name: "default", include: ["test/**/*.test.ts", "spec-tests/**/*.test.ts"] },
      },
      {
        extends: true,
        test: { name: "compiled", include: COMPILED, setupFiles: ["test/tiers/compiled.ts"] },
      },
    ],
  },
});
