// A plugin of bundlers for tests and benchmarks that execute guests in one of the tiers.

import type { Tier } from "../src/runtime/tier.ts";

const STATEMENT = /(\bDEFAULT_TIER: Tier = )"\w+"/;

/** Has stores whose options do not say execute their guests in this tier. */
export function defaultTier(tier: Tier) {
  return {
    name: "the default of the option `tier`",
    transform(code: string, id: string): string | null {
      if (!id.endsWith("/src/runtime/tier.ts")) return null;
      if (!STATEMENT.test(code)) throw new Error(`there is no default in ${id}`);
      return code.replace(STATEMENT, `$1"${tier}"`);
    },
  };
}
